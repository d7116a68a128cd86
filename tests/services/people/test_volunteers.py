"""Volunteers on a real database: registering, changing and erasing."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from dispatch.domain.places.service_area import Area
from dispatch.services.access import organisations
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import opt_out, volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from schemas.volunteers import VolunteerBody, VolunteerPatch

Volunteer = Callable[..., VolunteerBody]
STRASBOURG = {"lat": 48.5846, "lon": 7.7507}


def a_volunteer(phone: str = "+33639980001", **changes: object) -> VolunteerBody:
    body: dict[str, object] = {
        "name": "Ada",
        "phone": phone,
        "skills": ["first_aid"],
        "position": STRASBOURG,
        "birth_date": "1990-01-31",
        "consent": ["sms"],
    }
    return VolunteerBody.model_validate(body | changes)


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 67", "Europe/Paris", Area(48, 7, 49, 8.5))


async def blocked(uow: UnitOfWork) -> None:
    """Wait until somebody waits for a lock."""
    async with asyncio.timeout(10):
        while not await uow.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.01)


async def test_a_volunteer_is_one_person_however_the_number_is_spelt(
    uow: UnitOfWork, organisation: UUID
) -> None:
    first = await volunteers.register_all(uow, organisation, [a_volunteer("06 39 98 00 01")])
    second = await volunteers.register_all(
        uow, organisation, [a_volunteer("+33 6 39 98 00 01", name="Ada B.")]
    )
    assert first == second
    (found,) = await volunteers.list_volunteers(uow, organisation)
    assert (found["name"], found["phone"], found["skills"]) == ("Ada B.", "+33639980001", ["first_aid"])


async def test_a_volunteers_id_tells_neither_the_phone_number_nor_since_when_they_are_known(
    uow: UnitOfWork, organisation: UUID
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    assert id_.version == 4
    await opt_out.erase(uow, organisation, id_)
    (after,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    assert after != id_


async def test_concurrent_imports_create_one_person_per_number(uow: UnitOfWork, organisation: UUID) -> None:
    other = await organisations.create(uow, "Mairie")
    sheet = [a_volunteer(f"+3363998{number:04d}") for number in range(300)]
    shuffled = [sheet[number * 7 % 300] for number in range(300)]
    found = await asyncio.gather(
        *(
            volunteers.register_all(uow, one, bodies)
            for one in (organisation, other)
            for bodies in (sheet, shuffled)
        )
    )
    assert len({id_ for ids in found for id_ in ids}) == 300
    assert found[0] == found[2]
    assert await uow.pool.fetchval("SELECT count(*) FROM volunteers") == 300


@pytest.mark.parametrize("committed", [True, False])
async def test_concurrent_registrations_of_a_number_create_one_person(
    uow: UnitOfWork, organisation: UUID, *, committed: bool
) -> None:
    async with uow.pool.acquire() as connection:
        first = connection.transaction()
        await first.start()
        (id_,) = await volunteers.register(connection, organisation, [a_volunteer()], uow.clock.now())  # type: ignore[arg-type]
        second = asyncio.create_task(volunteers.register_all(uow, organisation, [a_volunteer()]))
        await blocked(uow)
        await (first.commit() if committed else first.rollback())
    assert (await second == [id_]) is committed
    assert await uow.pool.fetchval("SELECT count(*) FROM volunteers") == 1


async def test_a_volunteer_erased_during_a_new_registration_becomes_a_new_person(
    uow: UnitOfWork, organisation: UUID
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    async with transaction(uow.pool) as connection:
        await connection.fetch(sql("lock_people"), [id_])
        again = asyncio.create_task(volunteers.register_all(uow, organisation, [a_volunteer()]))
        await blocked(uow)
        await connection.execute(sql("delete_membership"), organisation, id_)
        await connection.execute(sql("erase_person"), id_)
    (after,) = await again
    assert after != id_
    assert await uow.pool.fetchval("SELECT volunteer_id FROM memberships") == after


async def test_registering_again_deletes_other_skills_and_publishes_what_changed(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await volunteers.register_all(uow, organisation, [a_volunteer(skills=["first_aid", "pump"])])
    await volunteers.register_all(uow, organisation, [a_volunteer(skills=["pump"], availability="on_call")])
    await volunteers.register_all(uow, organisation, [a_volunteer(skills=["pump"], availability="on_call")])
    (found,) = await volunteers.list_volunteers(uow, organisation)
    assert found["skills"] == ["pump"]
    types = [row["type"] for row in await uow.pool.fetch("SELECT type FROM journal ORDER BY id")]
    assert types == ["volunteer.registered.v1", "volunteer.availability_changed.v1"]


@pytest.mark.parametrize("at_once", [7, 500])
async def test_ids_come_back_in_the_order_given(
    uow: UnitOfWork, organisation: UUID, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(volunteers, "BATCH_SIZE", at_once)
    phones = [f"+3363998{number:04d}" for number in range(20)]
    ids = await volunteers.register_all(uow, organisation, [a_volunteer(phone) for phone in phones])
    rows = await uow.pool.fetch("SELECT address, volunteer_id FROM addresses")
    assert dict(zip(phones, ids, strict=True)) == {row["address"]: row["volunteer_id"] for row in rows}


async def test_events_contain_neither_names_nor_phone_numbers(uow: UnitOfWork, organisation: UUID) -> None:
    await volunteers.register_all(uow, organisation, [a_volunteer(name="Zéphyrine")])
    rows = await uow.pool.fetch("SELECT convert_from(body || headers || key, 'UTF8') AS told FROM journal")
    assert len(rows) == 1
    assert not [row for row in rows if "Zéphyrine" in row["told"] or "639980001" in row["told"]]


async def test_a_patch_changes_only_the_fields_that_it_sets(uow: UnitOfWork, organisation: UUID) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    await volunteers.patch(uow, organisation, id_, VolunteerPatch(availability="unavailable"))
    (found,) = await volunteers.list_volunteers(uow, organisation)
    assert (found["availability"], found["consent"], found["language"]) == ("unavailable", ["sms"], "fr")


async def test_another_organisations_volunteer_cannot_be_changed(uow: UnitOfWork, organisation: UUID) -> None:
    (who,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    member = (await volunteers.enrol(uow, organisation, a_volunteer())).id
    other = await organisations.create(uow, "Mairie")
    for id_ in (who, member):
        with pytest.raises(NotFoundError):
            await volunteers.patch(uow, other, id_, VolunteerPatch(availability="unavailable"))
        with pytest.raises(NotFoundError):
            await PositionWriter(uow).write(other, PositionFix(id_, 48.5, 7.7, uow.clock.now()))
