"""Volunteers on the rosters: registering, changing and listing them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.services.access.organisations import country_of
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.phone_numbers import NO_TEXTS, takes_no_texts
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import roster_writer
from dispatch.services.people.muster_points import known_station, station_names
from dispatch.services.people.opt_out import journal_entry
from dispatch.services.people.roster_entry import entry_of
from dispatch.storage import journal
from dispatch.storage.queries import sql
from schemas.volunteers import AvailabilityChanged, VolunteerBody, VolunteerPatch

BATCH_SIZE = 500
"""Volunteers in one transaction."""


class Enrolled(NamedTuple):
    """The id of a member, and what may be a mistake in the member's data."""

    id: UUID
    warnings: list[str]


async def register_all(uow: UnitOfWork, organisation: UUID, bodies: Sequence[VolunteerBody]) -> list[UUID]:
    """Register volunteers in batches, each in a transaction; after an error the earlier batches stay registered.

    Returns their pseudonyms in the order given.
    """
    ids: list[UUID] = []
    for start in range(0, len(bodies), BATCH_SIZE):
        batch = bodies[start : start + BATCH_SIZE]
        ids += await uow.transact(partial(_register, organisation, batch))
    return ids


async def register(
    connection: asyncpg.Connection, organisation: UUID, bodies: Sequence[VolunteerBody], now: datetime
) -> list[UUID]:
    """Add people to an organisation's roster, or change what the bodies say of them; a STOP stays in force.

    Returns their pseudonyms in the order given. One phone number is one person, whose last entry counts. Raises
    InvalidError for an invalid phone number and for a birth date in the future.
    """
    country = await country_of(connection, organisation)
    bodies = await _with_known_stations(connection, organisation, bodies)
    entries = [entry_of(body, now.date(), country) for body in bodies]
    people = (await roster_writer.find_or_create(connection, [one.phone for one in entries], now)).by_phone
    await roster_writer.lock(connection, people, ())
    said = {people[entry.phone]: entry for entry in entries}
    await roster_writer.write(connection, organisation, said.items(), now, otherwise="available")
    return [people[entry.phone] for entry in entries]


async def _with_known_stations(
    connection: asyncpg.Connection, organisation: UUID, bodies: Sequence[VolunteerBody]
) -> Sequence[VolunteerBody]:
    """Return bodies with the names of their stations as these are known; raises InvalidError for another name."""
    if not any(body.station for body in bodies):
        return bodies
    names = await station_names(connection, organisation)
    return [
        body.model_copy(update={"station": known_station(body.station, names)}) if body.station else body
        for body in bodies
    ]


async def enrol(uow: UnitOfWork, organisation: UUID, body: VolunteerBody) -> Enrolled:
    """Register a volunteer, or change the one with this phone."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> asyncpg.Record:
        people = await register(connection, organisation, [body], now)
        (row,) = await connection.fetch(sql("read_member"), organisation, *people)
        return row

    row = await uow.transact(inside)
    silent = "sms" in row["consent"] and takes_no_texts(row["phone"])
    return Enrolled(row["id"], [f"phone: {NO_TEXTS}"] if silent else [])


async def patch(uow: UnitOfWork, organisation: UUID, volunteer_id: UUID, body: VolunteerPatch) -> None:
    """Change the fields that the body sets; raises NotFoundError where the volunteer is not on the roster."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.fetch(sql("lock_people"), [volunteer_id])
        station = body.station
        if station:
            station = known_station(station, await station_names(connection, organisation))
        consent = None if body.consent is None else list(body.consent)
        before = await connection.fetchval(
            sql("patch_membership"),
            organisation,
            volunteer_id,
            body.availability,
            consent,
            body.language,
            station,
        )
        if before is None:
            raise NotFoundError("there is no such volunteer on this roster")
        if body.availability not in (None, before):
            event = AvailabilityChanged(at=now, volunteer_id=volunteer_id, availability=body.availability)
            await journal.append(connection, [journal_entry(organisation, event)], now)

    await uow.transact(inside)


async def list_volunteers(
    uow: UnitOfWork, organisation: UUID, *, after: UUID | None = None, limit: int = 100
) -> list[dict[str, object]]:
    """Return the roster in the order of ids, names and phones included; for readers who may see them."""
    rows = await uow.pool.fetch(sql("list_volunteers"), organisation, after, limit)
    return [dict(row) for row in rows]


async def _register(
    organisation: UUID, bodies: Sequence[VolunteerBody], connection: asyncpg.Connection, now: datetime
) -> list[UUID]:
    return await register(connection, organisation, bodies, now)
