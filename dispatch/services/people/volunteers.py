"""Volunteers on the rosters: registering, changing and listing them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.matching.geo import mercator
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.phone_numbers import e164
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.opt_out import journal_entry
from dispatch.services.people.roster_files import check_birth_date
from dispatch.storage import journal
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import bound, columns, sql
from schemas.base import Position
from schemas.ids import new_id
from schemas.volunteers import (
    Availability,
    AvailabilityChanged,
    VolunteerBody,
    VolunteerPatch,
    VolunteerRegistered,
)

BATCH_SIZE = 500
"""Volunteers in one transaction."""
Member = tuple[UUID, VolunteerBody]


class PlaceRow(NamedTuple):
    """A place as `upsert_places` takes it, with its Web-Mercator metres."""

    volunteer_id: UUID
    kind: str
    x: float
    y: float
    lat: float
    lon: float


async def register_all(uow: UnitOfWork, organisation: UUID, bodies: Sequence[VolunteerBody]) -> list[UUID]:
    """Register volunteers in batches, each in a transaction; after an error the earlier batches stay registered."""
    ids: list[UUID] = []
    for start in range(0, len(bodies), BATCH_SIZE):
        batch = bodies[start : start + BATCH_SIZE]
        ids += await uow.transact(partial(_register, organisation, batch))
    return ids


async def register(
    connection: asyncpg.Connection, organisation: UUID, bodies: Sequence[VolunteerBody], now: datetime
) -> list[UUID]:
    """Add people to an organisation's roster, or update them; a STOP stays in force.

    Returns their ids in the order given. One phone number is one person, whose last entry counts. Raises InvalidError
    for an invalid phone number and for a birth date in the future.
    """
    for body in bodies:
        check_birth_date(body, now.date())
    phones = [e164(body.phone) for body in bodies]
    people = await _find_or_create(connection, list(dict.fromkeys(phones)), now)
    ids = [people[phone] for phone in phones]
    members = dict(zip(ids, bodies, strict=True))
    await _write(connection, organisation, sorted(members.items(), key=itemgetter(0)), now)
    return ids


async def patch(uow: UnitOfWork, organisation: UUID, volunteer_id: UUID, body: VolunteerPatch) -> None:
    """Change the fields that the body sets; raises NotFoundError where the volunteer is not on the roster."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.fetch(sql("lock_people"), [volunteer_id])
        consent = None if body.consent is None else list(body.consent)
        before = await connection.fetchval(
            sql("patch_membership"), organisation, volunteer_id, body.availability, consent, body.language
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


async def _find_or_create(
    connection: asyncpg.Connection, phones: list[str], now: datetime
) -> dict[str, UUID]:
    """Find the person of each phone number, or create one, and lock them all.

    Raises RetryableError where one was erased meanwhile: the retry creates a new person for the number.
    """
    # The id is random: an id derived from the number would reveal which numbers had been erased.
    # Numbers are locked before people, so that a transaction that waits for a number holds no person.
    await connection.execute(sql("claim_phones"), [new_id() for _ in phones], phones, now)
    people = await _volunteers_by_phone(connection, phones)
    await connection.fetch(sql("lock_people"), list(people.values()))
    if len(people) < len(phones) or await _volunteers_by_phone(connection, phones) != people:
        raise RetryableError("a volunteer was erased meanwhile")
    await connection.execute(sql("lock_candidates"), list(people.values()))
    return people


async def _volunteers_by_phone(connection: asyncpg.Connection, phones: list[str]) -> dict[str, UUID]:
    rows = await connection.fetch(sql("volunteers_by_phone"), phones)
    return {row["address"]: row["volunteer_id"] for row in rows}


async def _write(
    connection: asyncpg.Connection, organisation: UUID, members: Sequence[Member], now: datetime
) -> None:
    ids = [id_ for id_, _ in members]
    rows = await connection.fetch(sql("read_memberships"), organisation, ids)
    before = {row["volunteer_id"]: row["availability"] for row in rows}
    await _write_persons(connection, members, now)
    await _write_memberships(connection, organisation, members, now)
    events = [_membership_event(id_, body.availability, before.get(id_), now) for id_, body in members]
    await journal.append(connection, [journal_entry(organisation, event) for event in events if event], now)


async def _write_persons(connection: asyncpg.Connection, members: Sequence[Member], now: datetime) -> None:
    ids = [id_ for id_, _ in members]
    names = [body.name.replace("\0", "") for _, body in members]
    await connection.execute(sql("upsert_people"), ids, names, [body.birth_date for _, body in members])
    places = [_place(id_, "home", body.position) for id_, body in members]
    places += [_place(id_, "work", body.work) for id_, body in members if body.work]
    if places:
        await connection.execute(*bound("upsert_places", recorded_at=now, **columns(PlaceRow, places)))


async def _write_memberships(
    connection: asyncpg.Connection, organisation: UUID, members: Sequence[Member], now: datetime
) -> None:
    ids = [id_ for id_, _ in members]
    bodies = [body for _, body in members]
    await connection.execute(
        sql("upsert_memberships"),
        organisation,
        ids,
        [body.availability for body in bodies],
        [body.language for body in bodies],
        [" ".join(sorted(set(body.consent))) for body in bodies],
        now,
    )
    pairs = [(id_, skill) for id_, body in members for skill in sorted(set(body.skills))]
    holders, skills = [id_ for id_, _ in pairs], [skill for _, skill in pairs]
    await connection.execute(sql("delete_other_skills"), organisation, ids, holders, skills)
    await connection.execute(sql("add_skills"), organisation, holders, skills)


def _place(id_: UUID, kind: str, position: Position) -> PlaceRow:
    return PlaceRow(id_, kind, *mercator(position.lat, position.lon), position.lat, position.lon)


def _membership_event(
    id_: UUID, availability: Availability, before: str | None, now: datetime
) -> VolunteerRegistered | AvailabilityChanged | None:
    if before is None:
        return VolunteerRegistered(at=now, volunteer_id=id_, availability=availability)
    if before != availability:
        return AvailabilityChanged(at=now, volunteer_id=id_, availability=availability)
    return None
