"""Volunteers: how they join and change, where they are, and how they leave."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.geo import mercator
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.phones import e164
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.opt_out import entry, erase, restart, stop
from dispatch.services.people.roster_files import check_born, read_csv
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

__all__ = [
    "Move",
    "enrol",
    "erase",
    "listed",
    "patch",
    "read_csv",
    "register",
    "restart",
    "set_positions",
    "stop",
]

OLDEST_POSITION = timedelta(days=1)
AT_ONCE = 500
"""Volunteers in one transaction."""
Member = tuple[UUID, VolunteerBody]


@dataclass(frozen=True, slots=True)
class Move:
    """Where a volunteer was, and when."""

    volunteer_id: UUID
    lat: float
    lon: float
    recorded_at: datetime


class MoveRow(NamedTuple):
    """A move as `move_volunteers` takes it, with its Web-Mercator metres."""

    volunteer_id: UUID
    x: float
    y: float
    lat: float
    lon: float
    recorded_at: datetime


class PlaceRow(NamedTuple):
    """A place as `put_places` takes it, with its Web-Mercator metres."""

    volunteer_id: UUID
    kind: str
    x: float
    y: float
    lat: float
    lon: float


async def enrol(uow: UnitOfWork, organisation: UUID, bodies: Sequence[VolunteerBody]) -> list[UUID]:
    """Register volunteers, so many at once; where that ends early, those before are registered."""
    ids: list[UUID] = []
    for start in range(0, len(bodies), AT_ONCE):
        work = partial(_register, organisation, bodies[start : start + AT_ONCE])
        ids += await uow.transact(work)
    return ids


async def register(
    connection: asyncpg.Connection, organisation: UUID, bodies: Sequence[VolunteerBody], now: datetime
) -> list[UUID]:
    """Put people on an organisation's roster, or write what is new about them; who said STOP stays stopped.

    Returns their ids in the order given; one phone number is one person, whose last entry counts. Raises InvalidError
    for a phone number that is none, and for a birth date to come.
    """
    for body in bodies:
        check_born(body, now.date())
    phones = [e164(body.phone) for body in bodies]
    people = await _identify(connection, list(dict.fromkeys(phones)), now)
    ids = [people[phone] for phone in phones]
    members = dict(zip(ids, bodies, strict=True))
    await _write(connection, organisation, sorted(members.items(), key=itemgetter(0)), now)
    return ids


async def patch(uow: UnitOfWork, organisation: UUID, volunteer_id: UUID, body: VolunteerPatch) -> None:
    """Change what the body gives; raises NotFoundError for who is not on the roster."""

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.fetch(sql("lock_people"), [volunteer_id])
        consent = None if body.consent is None else list(body.consent)
        before = await connection.fetchval(
            sql("patch_membership"), organisation, volunteer_id, body.availability, consent, body.language
        )
        if before is None:
            raise NotFoundError("there is no such volunteer on this roster")
        if body.availability not in (None, before):
            event = AvailabilityChanged(at=now, volunteer_id=volunteer_id, availability=body.availability)
            await journal.append(connection, [entry(organisation, event)], now)

    await uow.transact(work)


async def set_positions(
    connection: asyncpg.Connection, moves: Iterable[Move], now: datetime, organisation: UUID | None = None
) -> set[UUID]:
    """Note where people are, the newest of each; return those who are on a roster (of this organisation)."""
    newest: dict[UUID, Move] = {}
    for move in sorted(moves, key=lambda move: move.recorded_at):
        if move.recorded_at > now - OLDEST_POSITION:
            newest[move.volunteer_id] = move
    rows = [
        # A phone whose clock is ahead must not shut out what comes after.
        MoveRow(
            move.volunteer_id, *mercator(move.lat, move.lon), move.lat, move.lon, min(move.recorded_at, now)
        )
        for move in newest.values()
    ]
    query = bound("move_volunteers", organisation=organisation, **columns(MoveRow, rows))
    known = await connection.fetch(*query)
    return {row["volunteer_id"] for row in known}


async def listed(
    uow: UnitOfWork, organisation: UUID, *, after: UUID | None = None, limit: int = 100
) -> list[dict[str, object]]:
    """List the roster by id, for those who may see names."""
    rows = await uow.pool.fetch(sql("list_volunteers"), organisation, after, limit)
    return [dict(row) for row in rows]


async def _register(
    organisation: UUID, bodies: Sequence[VolunteerBody], connection: asyncpg.Connection, now: datetime
) -> list[UUID]:
    return await register(connection, organisation, bodies, now)


async def _identify(connection: asyncpg.Connection, phones: list[str], now: datetime) -> dict[str, UUID]:
    """Find who is behind each number, or make somebody new, and lock them all.

    Raises RetryableError where somebody was erased meanwhile: the number is to become somebody new.
    """
    # The id is random: from one that followed from the number, anybody could find out who had been erased.
    # Numbers come before people, so that whoever waits for a number holds no person that another waits for.
    await connection.execute(sql("claim_phones"), [new_id() for _ in phones], phones, now)
    people = await _behind(connection, phones)
    await connection.fetch(sql("lock_people"), list(people.values()))
    if len(people) < len(phones) or await _behind(connection, phones) != people:
        raise RetryableError("somebody was erased meanwhile")
    return people


async def _behind(connection: asyncpg.Connection, phones: list[str]) -> dict[str, UUID]:
    rows = await connection.fetch(sql("find_phones"), phones)
    return {row["address"]: row["volunteer_id"] for row in rows}


async def _write(
    connection: asyncpg.Connection, organisation: UUID, members: Sequence[Member], now: datetime
) -> None:
    ids = [id_ for id_, _ in members]
    rows = await connection.fetch(sql("read_memberships"), organisation, ids)
    before = {row["volunteer_id"]: row["availability"] for row in rows}
    await _write_persons(connection, members, now)
    await _write_memberships(connection, organisation, members, now)
    events = [_news(id_, body.availability, before.get(id_), now) for id_, body in members]
    await journal.append(connection, [entry(organisation, event) for event in events if event], now)


async def _write_persons(connection: asyncpg.Connection, members: Sequence[Member], now: datetime) -> None:
    ids = [id_ for id_, _ in members]
    names = [body.name.replace("\0", "") for _, body in members]
    await connection.execute(sql("put_people"), ids, names, [body.birth_date for _, body in members])
    places = [_place(id_, "home", body.position) for id_, body in members]
    places += [_place(id_, "work", body.work) for id_, body in members if body.work]
    if places:
        await connection.execute(*bound("put_places", recorded_at=now, **columns(PlaceRow, places)))


async def _write_memberships(
    connection: asyncpg.Connection, organisation: UUID, members: Sequence[Member], now: datetime
) -> None:
    ids = [id_ for id_, _ in members]
    bodies = [body for _, body in members]
    await connection.execute(
        sql("put_memberships"),
        organisation,
        ids,
        [body.availability for body in bodies],
        [body.language for body in bodies],
        [" ".join(sorted(set(body.consent))) for body in bodies],
        now,
    )
    pairs = [(id_, skill) for id_, body in members for skill in sorted(set(body.skills))]
    who, skills = [id_ for id_, _ in pairs], [skill for _, skill in pairs]
    await connection.execute(sql("drop_skills"), organisation, ids, who, skills)
    await connection.execute(sql("put_skills"), organisation, who, skills)


def _place(id_: UUID, kind: str, position: Position) -> PlaceRow:
    return PlaceRow(id_, kind, *mercator(position.lat, position.lon), position.lat, position.lon)


def _news(
    id_: UUID, availability: Availability, before: str | None, now: datetime
) -> VolunteerRegistered | AvailabilityChanged | None:
    if before is None:
        return VolunteerRegistered(at=now, volunteer_id=id_, availability=availability)
    if before != availability:
        return AvailabilityChanged(at=now, volunteer_id=id_, availability=availability)
    return None
