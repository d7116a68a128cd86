"""Writing people on an organisation's roster: only what is said of them, in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

import asyncpg

from dispatch.domain.matching.geo import mercator
from dispatch.services.people.opt_out import journal_entry
from dispatch.services.people.roster_entry import Member, RosterEntry, merged
from dispatch.storage import journal
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import bound, columns, sql
from schemas.base import Position
from schemas.volunteers import Availability, AvailabilityChanged, VolunteerRegistered

T = TypeVar("T")
CHUNK = 2000
"""People in one statement: a statement has a time limit."""

MEMBERSHIP = ("name", "birth_date", "availability", "language", "consent", "station")
"""The fields of a member that are columns of the membership."""

Said = tuple[UUID, RosterEntry]


class Change(NamedTuple):
    """A member before and after, and what was said of them; `before` is None for a new member."""

    before: Member | None
    after: Member
    entry: RosterEntry


class MemberRow(NamedTuple):
    """A membership as `upsert_memberships` takes it; `consent` is separated by spaces."""

    volunteer_id: UUID
    name: str | None
    birth_date: date | None
    availability: str
    language: str
    consent: str
    station: str | None


class PlaceRow(NamedTuple):
    """A place as `upsert_places` takes it, with its Web-Mercator metres."""

    volunteer_id: UUID
    kind: str
    x: float
    y: float
    lat: float
    lon: float


class People(NamedTuple):
    """The person of each phone number; `created` are those whom this transaction created."""

    by_phone: dict[str, UUID]
    created: frozenset[UUID]


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


async def find_or_create(connection: asyncpg.Connection, phones: Iterable[str], now: datetime) -> People:
    """Find the person of each phone number, or create one.

    Numbers are claimed before people are locked, so that a transaction that waits for a number holds no person.
    """
    by_phone: dict[str, UUID] = {}
    created: set[UUID] = set()
    for chunk in chunks(sorted(set(phones))):
        # The ids are random: derived from the numbers they would reveal which had been erased, and with the time in
        # them, that another organisation has had the person for long.
        ids = [uuid4() for _ in chunk]
        await connection.execute(sql("claim_phones"), ids, chunk, now)
        found = await volunteers_by_phone(connection, chunk)
        if len(found) < len(chunk):
            raise RetryableError("a volunteer was erased meanwhile")
        by_phone |= found
        created.update(set(ids) & set(found.values()))
    return People(by_phone, frozenset(created))


async def lock(connection: asyncpg.Connection, phones: Mapping[str, UUID], ids: Iterable[UUID]) -> None:
    """Lock people in the order of their ids; raises RetryableError where one of the numbers is no longer theirs."""
    locked = sorted({*ids, *phones.values()})
    await connection.fetch(sql("lock_people"), locked)
    for chunk in chunks(phones):
        expected = {phone: phones[phone] for phone in chunk}
        if await volunteers_by_phone(connection, chunk) != expected:
            raise RetryableError("a volunteer was erased meanwhile")
    await connection.execute(sql("lock_candidates"), locked)


async def volunteers_by_phone(connection: asyncpg.Connection, phones: Sequence[str]) -> dict[str, UUID]:
    """Return the person of each known number."""
    rows = await connection.fetch(sql("volunteers_by_phone"), phones)
    return {row["address"]: row["volunteer_id"] for row in rows}


async def read_members(
    connection: asyncpg.Connection, organisation: UUID, ids: Sequence[UUID]
) -> dict[UUID, Member]:
    """Return those of some people who are on an organisation's roster."""
    rows = await connection.fetch(sql("read_members"), organisation, ids)
    return {row["volunteer_id"]: _member(row) for row in rows}


async def write(
    connection: asyncpg.Connection,
    organisation: UUID,
    said: Iterable[Said],
    now: datetime,
    *,
    otherwise: Availability = "unavailable",
    written: Callable[[int], None] = lambda _count: None,
) -> None:
    """Write what is said of locked people; a new member of whom no availability is said gets `otherwise`."""
    for chunk in chunks(sorted(said, key=lambda one: one[0])):
        before = await read_members(connection, organisation, [id_ for id_, _ in chunk])
        changes = [
            Change(before.get(id_), merged(id_, before.get(id_), entry, otherwise), entry)
            for id_, entry in chunk
        ]
        await _write(connection, organisation, changes, now)
        written(len(chunk))


async def _write(
    connection: asyncpg.Connection, organisation: UUID, changes: Sequence[Change], now: datetime
) -> None:
    await _write_memberships(connection, organisation, changes, now)
    await _write_places(connection, organisation, changes, now)
    await _write_skills(connection, organisation, changes)
    events = [event for change in changes if (event := _membership_event(change, now))]
    await journal.append(connection, [journal_entry(organisation, event) for event in events], now)


async def _write_memberships(
    connection: asyncpg.Connection, organisation: UUID, changes: Sequence[Change], now: datetime
) -> None:
    members = [
        MemberRow(
            m.volunteer_id, m.name, m.birth_date, m.availability, m.language, " ".join(m.consent), m.station
        )
        for m in (one.after for one in changes if _differs(one, *MEMBERSHIP))
    ]
    if members:
        await connection.execute(
            *bound("upsert_memberships", organisation=organisation, now=now, **columns(MemberRow, members))
        )


async def _write_places(
    connection: asyncpg.Connection, organisation: UUID, changes: Sequence[Change], now: datetime
) -> None:
    places = [
        _place(one.after.volunteer_id, "home", one.after.home)
        for one in changes
        if one.after.home and _differs(one, "home")
    ]
    places += [_place(one.after.volunteer_id, "work", one.entry.work) for one in changes if one.entry.work]
    if places:
        await connection.execute(
            *bound("upsert_places", organisation=organisation, recorded_at=now, **columns(PlaceRow, places))
        )


async def _write_skills(
    connection: asyncpg.Connection, organisation: UUID, changes: Sequence[Change]
) -> None:
    changed = [one for one in changes if _differs(one, "skills")]
    if not changed:
        return
    kept = [(one.after.volunteer_id, skill) for one in changed for skill in sorted(one.after.skills)]
    ids, holders = [one.after.volunteer_id for one in changed], [id_ for id_, _ in kept]
    names = [skill for _, skill in kept]
    await connection.execute(sql("delete_other_skills"), organisation, ids, holders, names)
    given = [(one.after.volunteer_id, *skill) for one in changed for skill in _changed_skills(one)]
    if given:
        await connection.execute(
            sql("write_skills"), organisation, *map(list, zip(*sorted(given, key=_key), strict=True))
        )


def _key(row: tuple[UUID, str, object]) -> tuple[UUID, str]:
    return row[0], row[1]


def _changed_skills(change: Change) -> list[tuple[str, object]]:
    """Return the skills that are new or end on another day; the end of another one stays as it is, to the second."""
    before = change.before.skills if change.before else {}
    return [
        (name, end) for name, end in change.after.skills.items() if name not in before or before[name] != end
    ]


def _differs(change: Change, *names: str) -> bool:
    before = change.before
    return before is None or any(getattr(before, name) != getattr(change.after, name) for name in names)


def _member(row: asyncpg.Record) -> Member:
    home = None if row["lat"] is None else Position(lat=row["lat"], lon=row["lon"])
    return Member(
        row["volunteer_id"], row["name"], row["birth_date"], home, row["language"],
        dict(zip(row["skills"], row["last_days"], strict=True)), tuple(sorted(row["consent"])), row["availability"],
        row["station"],
    )  # fmt: skip


def _place(id_: UUID, kind: str, position: Position) -> PlaceRow:
    return PlaceRow(id_, kind, *mercator(position.lat, position.lon), position.lat, position.lon)


def _membership_event(change: Change, now: datetime) -> VolunteerRegistered | AvailabilityChanged | None:
    before, after = change.before, change.after
    if before is None:
        return VolunteerRegistered(at=now, volunteer_id=after.volunteer_id, availability=after.availability)
    if before.availability != after.availability:
        return AvailabilityChanged(at=now, volunteer_id=after.volunteer_id, availability=after.availability)
    return None
