"""Organisations, keys and volunteers on a real database."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.access import keys, organisations
from dispatch.services.access.organisations import Area, DutyContact
from dispatch.services.core.errors import ConflictError, InvalidError, NotFoundError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import opt_out, roster_files, volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from schemas.volunteers import VolunteerBody, VolunteerPatch
from tests.conftest import START

Volunteer = Callable[..., VolunteerBody]
TODAY = START.date()
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
def uow(pool: asyncpg.Pool, clock: MovableClock) -> UnitOfWork:
    return UnitOfWork(pool, clock)


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 67", "Europe/Paris", Area(48, 7, 49, 8.5))


async def test_an_organisation_is_stored_with_its_area(uow: UnitOfWork, organisation: UUID) -> None:
    found = await organisations.get(uow, organisation)
    assert (found.name, found.area, found.paused_at) == ("SDIS 67", Area(48, 7, 49, 8.5), None)


async def test_two_organisations_cannot_have_one_name(uow: UnitOfWork) -> None:
    await organisations.create(uow, "SDIS 67")
    with pytest.raises(ConflictError):
        await organisations.create(uow, "SDIS 67")


@pytest.mark.parametrize(
    ("name", "zone", "area", "field"),
    [
        ("", "Europe/Paris", None, "name"),
        ("A", "Mars/Base", None, "zone"),
        ("A", "../etc/passwd", None, "zone"),
        ("A", "UTC", Area(49, 7, 48, 8), "area"),
    ],
)
async def test_an_impossible_organisation_is_refused_by_field(
    uow: UnitOfWork, name: str, zone: str, area: Area | None, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        await organisations.create(uow, name, zone, area)
    assert refused.value.field == field


async def test_a_pause_escalates_once_and_its_end_resolves_the_escalation(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await organisations.pause(uow, organisation, "Ada")
    await organisations.pause(uow, organisation, "Bob")
    rows = await uow.pool.fetch("SELECT reason, page, status FROM escalations")
    assert [tuple(row.values()) for row in rows] == [("paused", True, "raised")]
    assert (await organisations.get(uow, organisation)).paused_at == uow.clock.now()
    await organisations.resume(uow, organisation, "Ada")
    await organisations.resume(uow, organisation, "Ada")
    assert (await organisations.get(uow, organisation)).paused_at is None
    assert await uow.pool.fetchval("SELECT status FROM escalations") == "resolved"


async def test_a_contact_who_stays_in_the_duty_order_keeps_its_id(
    uow: UnitOfWork, organisation: UUID
) -> None:
    ada, bob = DutyContact("Ada", "06 39 98 00 01"), DutyContact("Bob", "+33639980002", "en", drills=True)
    await organisations.set_duty(uow, organisation, [ada, bob])
    before = {row["name"]: row["id"] for row in await uow.pool.fetch("SELECT name, id FROM duty_contacts")}
    await organisations.set_duty(uow, organisation, [bob, ada])
    after = {row["name"]: row["id"] for row in await uow.pool.fetch("SELECT name, id FROM duty_contacts")}
    assert after == before
    assert [contact.phone for contact in await organisations.duty(uow, organisation)] == [
        "+33639980002",
        "+33639980001",
    ]


async def test_a_number_is_in_the_duty_order_once(uow: UnitOfWork, organisation: UUID) -> None:
    twice = [DutyContact("Ada", "06 39 98 00 01"), DutyContact("Bob", "+33639980001")]
    with pytest.raises(InvalidError, match="twice"):
        await organisations.set_duty(uow, organisation, twice)


async def test_a_key_grants_its_scopes_and_nothing_else(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["reports:write"], holder="codis")
    key = await keys.authenticate(uow, shown)
    assert (key.organisation, key.holder) == (organisation, "codis")
    assert key.may("reports:write")
    assert not key.may("console:act", "gateway:kannel")


async def test_an_admin_may_all_but_speak_for_a_gateway(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    key = await keys.authenticate(uow, shown)
    assert key.may("console:act")
    assert not key.may("gateway:kannel")


async def test_a_key_is_nowhere_in_the_database(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    secret = shown.rpartition("_")[2]
    row = await uow.pool.fetchval("SELECT api_keys::text || encode(hash, 'escape') FROM api_keys")
    assert secret not in row


async def test_a_wrong_or_revoked_key_is_unknown(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    forged = shown[:-1] + ("0" if shown[-1] != "0" else "1")
    for bad in ("", "rk_", forged, shown + "\n", shown.replace("rk_", "rk_0")):
        with pytest.raises(UnauthorizedError):
            await keys.authenticate(uow, bad)
    await keys.revoke(uow, organisation, shown.split("_")[1])
    with pytest.raises(UnauthorizedError):
        await keys.authenticate(uow, shown)


async def test_another_organisation_cannot_revoke_a_key(uow: UnitOfWork, organisation: UUID) -> None:
    shown = await keys.create(uow, organisation=organisation, scopes=["admin"], holder="Ada")
    other = await organisations.create(uow, "Mairie")
    with pytest.raises(NotFoundError):
        await keys.revoke(uow, other, shown.split("_")[1])


@pytest.mark.parametrize(
    ("scopes", "holder", "field"),
    [([], "Ada", "scopes"), (["console:*"], "Ada", "scopes"), (["admin"], " ", "holder")],
)
async def test_a_key_without_sense_is_not_made(
    uow: UnitOfWork, organisation: UUID, scopes: list[str], holder: str, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        await keys.create(uow, organisation=organisation, scopes=scopes, holder=holder)
    assert refused.value.field == field


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


async def test_a_volunteers_id_does_not_depend_on_the_phone_number(
    uow: UnitOfWork, organisation: UUID
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    assert id_.version == 7
    await opt_out.erase(uow, organisation, id_)
    (after,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    assert after != id_


async def test_a_supervisors_id_does_not_depend_on_the_phone_number(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await organisations.set_duty(uow, organisation, [DutyContact("Ada", "+33639980001")])
    assert (await uow.pool.fetchval("SELECT id FROM duty_contacts")).version == 7


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
    assert [row["volunteer_id"] for row in await volunteers.list_volunteers(uow, organisation)] == [after]


async def blocked(uow: UnitOfWork) -> None:
    """Wait until somebody waits for a lock."""
    async with asyncio.timeout(10):
        while not await uow.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.01)


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
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    other = await organisations.create(uow, "Mairie")
    with pytest.raises(NotFoundError):
        await volunteers.patch(uow, other, id_, VolunteerPatch(availability="unavailable"))
    with pytest.raises(NotFoundError):
        await PositionWriter(uow).write(other, PositionFix(id_, 48.5, 7.7, uow.clock.now()))


async def test_the_newest_position_counts_whatever_the_order(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    now = clock.now()
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.50, 7.70, now))
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.60, 7.80, now - timedelta(minutes=1)))
    row = await uow.pool.fetchrow("SELECT lat, recorded_at FROM positions WHERE kind = 'live'")
    assert row is not None
    assert (row["lat"], row["recorded_at"]) == (48.50, now)


async def test_a_small_move_updates_the_time_and_keeps_the_place(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.5, 7.7, clock.now()))
    clock.advance(60)
    # 22 m north on the ground, 33 m in the frame.
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.5002, 7.7, clock.now()))
    row = await uow.pool.fetchrow("SELECT lat, recorded_at FROM positions WHERE kind = 'live'")
    assert row is not None
    assert (row["lat"], row["recorded_at"]) == (48.5, clock.now())
    clock.advance(60)
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.5003, 7.7, clock.now()))
    assert await uow.pool.fetchval("SELECT lat FROM positions WHERE kind = 'live'") == 48.5003


async def test_a_position_from_a_fast_clock_does_not_block_later_ones(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    await PositionWriter(uow).write(
        organisation, PositionFix(id_, 48.5, 7.7, clock.now() + timedelta(hours=2))
    )
    clock.advance(10)
    await PositionWriter(uow).write(organisation, PositionFix(id_, 48.6, 7.7, clock.now()))
    assert await uow.pool.fetchval("SELECT lat FROM positions WHERE kind = 'live'") == 48.6


async def test_concurrent_positions_are_written_in_one_transaction(
    uow: UnitOfWork, organisation: UUID
) -> None:
    ids = await volunteers.register_all(uow, organisation, [a_volunteer(f"+3363998000{n}") for n in range(3)])
    writer, now = PositionWriter(uow), uow.clock.now()
    told = [writer.write(organisation, PositionFix(id_, 48.5, 7.7, now)) for id_ in (*ids, uuid4())]
    outcomes = await asyncio.gather(*told, return_exceptions=True)
    assert outcomes[:3] == [None, None, None]
    assert isinstance(outcomes[3], NotFoundError)
    assert (
        await uow.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM positions WHERE kind = 'live'") == 1
    )


async def test_a_position_older_than_a_day_is_rejected(
    uow: UnitOfWork, organisation: UUID, clock: MovableClock
) -> None:
    (id_,) = await volunteers.register_all(uow, organisation, [a_volunteer()])
    with pytest.raises(InvalidError):
        await PositionWriter(uow).write(
            organisation, PositionFix(id_, 48.5, 7.7, clock.now() - timedelta(days=2))
        )


SHEET = """\
name,phone,language,skills,lat,lon,birth_date,consent,availability
Ada,+33639980001,fr,first_aid;aed,48.58,7.75,1990-01-31,sms;drills,available
Bob,06 39 98 00 02,en,pump|driver,48.59,7.76,1985-12-01,sms,on_call
"""


def test_a_sheet_is_read_into_volunteers() -> None:
    bodies, problems = roster_files.read_csv(SHEET, TODAY)
    assert problems == []
    assert [body.name for body in bodies] == ["Ada", "Bob"]
    assert bodies[0].consent == ("sms", "drills")
    assert bodies[1].skills == ("pump", "driver")


def test_a_french_spreadsheet_is_read_too() -> None:
    sheet = (
        "\ufeffname;phone;language;skills;lat;lon;birth_date;consent;availability\r\n"
        "Ada;0639980001;fr;first_aid aed;48,58;7,75;1990-01-31;sms;available\r\n"
    )
    bodies, problems = roster_files.read_csv(sheet, TODAY)
    assert problems == []
    assert (bodies[0].skills, bodies[0].position.lat) == (("first_aid", "aed"), 48.58)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Ada,12,fr,,48,7,1990-01-31,sms,available", "phone"),
        ("Ada,+33639980009,de,,48,7,1990-01-31,sms,available", "language"),
        ("Ada,+33639980009,fr,,98,7,1990-01-31,sms,available", "lat"),
        ("Ada,+33639980009,fr,,48,,1990-01-31,sms,available", "lon"),
        ("Ada,+33639980009,fr,,48,7,31/01/1990,sms,available", "birth_date"),
        ("Ada,+33639980009,fr,,48,7,2090-01-31,sms,available", "birth_date"),
        ("Ada,+33639980009,fr,,48,7,1990-01-31,fax,available", "consent"),
        ("Ada,+33639980009,fr,First Aid!,48,7,1990-01-31,sms,available", "skills"),
        (",+33639980009,fr,,48,7,1990-01-31,sms,available", "name"),
        ("Ada,+33639980001,fr,,48,7,1990-01-31,sms,available", "phone"),
    ],
)
def test_an_invalid_line_is_reported_and_the_others_are_read(line: str, field: str) -> None:
    bodies, problems = roster_files.read_csv(SHEET + line, TODAY)
    assert len(bodies) == 2
    assert {(problem.line, problem.field) for problem in problems} == {(4, field)}


def test_a_problem_does_not_repeat_the_content_of_the_line() -> None:
    _, problems = roster_files.read_csv(SHEET + "Secret Name,nine,fr,,48,7,1990-01-31,sms,available", TODAY)
    assert problems
    assert "Secret" not in repr(problems)
    assert "nine" not in repr(problems)


@pytest.mark.parametrize("text", ["", "name,phone\nAda,06", "\x00", "name\n" * 3, '"' * 9])
def test_a_sheet_without_the_required_columns_is_rejected_with_their_names(text: str) -> None:
    bodies, problems = roster_files.read_csv(text, TODAY)
    assert bodies == []
    assert problems[0].line == 1
    assert "birth_date" in problems[0].message
