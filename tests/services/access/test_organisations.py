"""Organisations, their area, pause and duty order, on a real database."""

from uuid import UUID

import pytest

from dispatch.domain.places.service_area import Area
from dispatch.services.access import organisations
from dispatch.services.access.organisations import Changes, DutyContact
from dispatch.services.core.errors import ConflictError, InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork


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


async def test_the_id_of_a_contact_who_stays_in_the_duty_order_is_unchanged(
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


async def test_an_organisation_is_renamed_and_keeps_its_id(uow: UnitOfWork, organisation: UUID) -> None:
    await organisations.change(uow, organisation, Changes(name="SIS 67", alarm_phone="03 88 00 00 00"))
    found = await organisations.get(uow, organisation)
    assert (found.id, found.name, found.zone) == (organisation, "SIS 67", "Europe/Paris")
    assert found.alarm_phone == "+33388000000"
    second = await organisations.create(uow, "SDIS 67")
    assert second != organisation, "the first name is free again"
    with pytest.raises(ConflictError):
        await organisations.change(uow, second, Changes(name="SIS 67"))


async def test_an_alarm_phone_is_removed_by_an_empty_one_and_kept_by_none(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await organisations.change(uow, organisation, Changes(alarm_phone="+33388000000"))
    await organisations.change(uow, organisation, Changes(zone="Europe/Brussels"))
    assert (await organisations.get(uow, organisation)).alarm_phone == "+33388000000"
    await organisations.change(uow, organisation, Changes(alarm_phone=""))
    assert (await organisations.get(uow, organisation)).alarm_phone is None


async def test_an_alarm_phone_that_is_no_number_is_refused(uow: UnitOfWork, organisation: UUID) -> None:
    with pytest.raises(InvalidError) as refused:
        await organisations.change(uow, organisation, Changes(alarm_phone="18"))
    assert refused.value.field == "alarm_phone"


async def test_a_number_is_in_the_duty_order_once(uow: UnitOfWork, organisation: UUID) -> None:
    twice = [DutyContact("Ada", "06 39 98 00 01"), DutyContact("Bob", "+33639980001")]
    with pytest.raises(InvalidError, match="twice"):
        await organisations.set_duty(uow, organisation, twice)


async def test_a_supervisors_id_does_not_depend_on_the_phone_number(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await organisations.set_duty(uow, organisation, [DutyContact("Ada", "+33639980001")])
    assert (await uow.pool.fetchval("SELECT id FROM duty_contacts")).version == 7
