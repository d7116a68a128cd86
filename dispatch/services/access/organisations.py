"""Organisations: their service areas, their duty orders, and the pause that stops all their offers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg

from dispatch.domain.places.service_area import Area
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.services.core.phone_numbers import COUNTRIES, HOME, e164
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations
from dispatch.storage.queries import bound, columns, sql
from schemas.ids import named, new_id

PAUSE_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation; `country` is that of its phone numbers without a code, without `area` it serves everywhere.

    `duty` is how many supervisors are in the duty order; while there are none, `alarm_phone` is paged.
    """

    id: UUID
    name: str
    zone: str
    country: str
    area: Area | None
    paused_at: datetime | None
    alarm_phone: str | None = None
    duty: int = 0


@dataclass(frozen=True, slots=True)
class DutyContact:
    """A supervisor in the duty order; without `drills` they are notified of actual incidents only."""

    name: str
    phone: str
    language: Literal["fr", "en"] = "fr"
    drills: bool = False


class DutyRow(NamedTuple):
    """A supervisor as `add_duty_contacts` takes them, with the channel and the address on it."""

    id: UUID
    name: str
    channel: str
    address: str
    language: str
    drills: bool


async def create(
    uow: UnitOfWork,
    name: str,
    zone: str = "Europe/Paris",
    area: Area | None = None,
    country: str = HOME,
    alarm_phone: str | None = None,
) -> UUID:
    """Create an organisation; raises ConflictError if the name is taken."""
    _check(name, zone, area, country)
    phone = alarm_phone and e164(alarm_phone, field="alarm_phone", region=country)
    corners = _corners(area)

    async def work(connection: asyncpg.Connection, now: datetime) -> UUID | None:
        # The id that the name gives may be that of an organisation that has been renamed.
        for id_ in (named("organisation", name), new_id()):
            query = bound("create_organisation", id=id_, name=name, zone=zone, created_at=now, **corners)
            if await connection.fetchval(*query) is None:
                continue
            # Defaults stay unnamed: this works before the migrations too, as an upgrade step by step needs it.
            if country != HOME:
                await connection.execute(sql("set_country"), id_, country)
            if phone:
                await connection.execute(sql("set_alarm_phone"), id_, phone)
            return id_
        return None

    created = await uow.transact(work)
    if created is None:
        raise ConflictError(f"there is an organisation of the name {name!r} already")
    return created


async def listed(uow: UnitOfWork) -> list[dict[str, Any]]:
    """List every organisation by name, each with the number of its volunteers and of its duty contacts."""
    return [dict(row) for row in await uow.pool.fetch(sql("list_organisations"))]


async def get(uow: UnitOfWork, organisation: UUID) -> Organisation:
    """Return one organisation; raises NotFoundError."""
    row = await uow.pool.fetchrow(sql("get_organisation"), organisation)
    if row is None:
        raise NotFoundError("there is no such organisation")
    return Organisation(
        row["id"], row["name"], row["zone"], row["country"], area_of(row), row["paused_at"], row["alarm_phone"],
        row["duty"],
    )  # fmt: skip


def area_of(row: asyncpg.Record | dict[str, Any]) -> Area | None:
    """Return the service area in a row with its corners."""
    return None if row["south"] is None else Area(row["south"], row["west"], row["north"], row["east"])


async def country_of(source: asyncpg.Connection | asyncpg.Pool, organisation: UUID) -> str:
    """Return the country of an organisation's phone numbers without a country code."""
    return str(await source.fetchval(sql("country_of_organisation"), organisation))


async def countries(connection: asyncpg.Connection) -> list[str]:
    """Return the countries of all organisations, in each of which a sender's number may be national."""
    return [row["country"] for row in await connection.fetch(sql("countries_of_organisations"))] or [HOME]


@dataclass(frozen=True, slots=True)
class Changes:
    """New settings of an organisation, each null where it stays as it is; an empty `alarm_phone` removes it."""

    name: str | None = None
    zone: str | None = None
    area: Area | None = None
    country: str | None = None
    alarm_phone: str | None = None


async def change(uow: UnitOfWork, organisation: UUID, changes: Changes) -> None:
    """Change the settings that are given; raises NotFoundError, ConflictError and InvalidError."""
    before = await get(uow, organisation)
    country = changes.country or before.country
    name = before.name if changes.name is None else changes.name
    _check(name, changes.zone or before.zone, changes.area, country)
    phone = changes.alarm_phone and e164(changes.alarm_phone, field="alarm_phone", region=country)
    query = bound(
        "change_organisation", organisation=organisation, name=changes.name, zone=changes.zone,
        country=changes.country, alarm_phone=phone, **_corners(changes.area),
    )  # fmt: skip

    async def work(connection: asyncpg.Connection, _now: datetime) -> object:
        return await connection.fetchval(*query)

    try:
        await uow.transact(work)
    except asyncpg.UniqueViolationError:
        raise ConflictError(f"there is an organisation of the name {name!r} already") from None


async def pause(uow: UnitOfWork, organisation: UUID, by: str) -> None:
    """Stop new offers at once and page the supervisors; recalls and stand-downs still go out."""
    cause = Cause("paused", PAUSE_LEVEL, page=True, detail=f"new offers stopped by {by}")

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        if await connection.fetchval(sql("pause_organisation"), organisation, now) is not None:
            subject = escalations.system_subject(organisation)
            await escalations.escalate(connection, organisation, "system", subject, cause, now)

    await uow.transact(work)


async def resume(uow: UnitOfWork, organisation: UUID, by: str) -> None:
    """Send new offers again, and resolve the escalations about the pause."""

    async def work(connection: asyncpg.Connection, _now: datetime) -> object:
        return await connection.fetchval(sql("resume_organisation"), organisation)

    await uow.transact(work)
    subject = escalations.system_subject(organisation)
    for row in await uow.pool.fetch(sql("open_escalations_of"), subject, "paused"):
        await escalations.resolve(uow, organisation, row["id"], by)


async def set_duty(uow: UnitOfWork, organisation: UUID, contacts: Sequence[DutyContact]) -> None:
    """Replace the duty order; a contact with the same phone keeps their id."""
    phones = _phones(contacts, (await get(uow, organisation)).country)

    async def work(connection: asyncpg.Connection, _now: datetime) -> None:
        known = await connection.fetch(sql("clear_duty_contacts"), organisation)
        ids = {row["address"]: row["id"] for row in known}
        rows = [
            DutyRow(ids.get(phone) or new_id(), contact.name, "sms", phone, contact.language, contact.drills)
            for contact, phone in zip(contacts, phones, strict=True)
        ]
        query = bound("add_duty_contacts", organisation=organisation, **columns(DutyRow, rows))
        await connection.execute(*query)

    await uow.transact(work)


async def duty(uow: UnitOfWork, organisation: UUID) -> list[DutyContact]:
    """Return the supervisors in duty order."""
    rows = await uow.pool.fetch(sql("list_duty_contacts"), organisation)
    return [DutyContact(row["name"], row["address"], row["language"], row["drills"]) for row in rows]


def _phones(contacts: Sequence[DutyContact], country: str) -> list[str]:
    phones: list[str] = []
    for number, contact in enumerate(contacts):
        phone = e164(contact.phone, field=f"{number}.phone", region=country)
        if phone in phones:
            raise InvalidError(f"{number}.phone", "this number is in the duty order twice")
        phones.append(phone)
    return phones


def _corners(area: Area | None) -> dict[str, float | None]:
    """Return the columns of an area, empty where the organisation serves everywhere."""
    return asdict(area) if area else dict.fromkeys(field.name for field in fields(Area))


def _check(name: str, zone: str, area: Area | None, country: str) -> None:
    if not (name.strip() and name.isprintable()):
        raise InvalidError("name", "name the organisation in printable characters")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidError("zone", f"{zone!r} is not a time zone such as Europe/Paris") from None
    if country not in COUNTRIES:
        raise InvalidError("country", f"{country!r} is not a country in two letters, such as FR, RE or BE")
    if area and not area.is_possible:
        raise InvalidError(
            "area", "give south, west, north, east in degrees, south before north, such as 48.1,6.9,49.1,8.3"
        )
