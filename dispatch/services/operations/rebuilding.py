"""Comparing the projections with the journal, and rebuilding them from it."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

import asyncpg

from dispatch.domain.errors import NewerVersionError, RefusedError
from dispatch.domain.evolve import replay
from dispatch.domain.incident import Incident
from dispatch.domain.supervising import escalation
from dispatch.domain.supervising.escalation import Escalations
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.escalations import agenda_rows
from dispatch.services.operations import candidate_rows
from dispatch.storage.changes import save
from dispatch.storage.incidents import plans_of
from dispatch.storage.journal import read_streams
from dispatch.storage.pool import LONG_S, describe
from dispatch.storage.projections import AGENDA, ESCALATIONS, PROJECTIONS, Rows, lock_projections, rows_of
from dispatch.storage.queries import sql
from dispatch.storage.table import Change, Row, Table
from schemas.base import Event
from schemas.escalations import EscalationEvent
from schemas.incidents import IncidentOpened

SUBJECTS_PER_CHUNK = 200
"""How many subjects are in memory at a time."""
FIRST = UUID(int=0)

OnProgress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The rows that follow from streams, what holds their plans, and the streams that cannot be replayed.

    `newer` has those that only a newer version of Renfort can replay.
    """

    rows: Rows
    opened: list[Event]
    incidents: list[Incident]
    errors: list[str]
    newer: dict[UUID, str] = field(default_factory=dict)


async def compare(uow: UnitOfWork, on_progress: OnProgress | None = None) -> list[str]:
    """Return a line for every row that differs from the journal, or from the tables that it repeats.

    All other work may go on meanwhile.
    """
    found: list[str] = []
    after, count = FIRST, 0
    async with uow.pool.acquire() as connection:
        while True:
            # One snapshot of the journal and the tables: what is written meanwhile is in neither.
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute(sql("lift_statement_timeout"))
                subjects = await _next(cast("asyncpg.Connection", connection), after)
                found += await differences(cast("asyncpg.Connection", connection), subjects)
            if not subjects:
                break
            after, count = subjects[-1], count + len(subjects)
            if on_progress is not None:
                on_progress(count)
        return found + await _differing_candidates(cast("asyncpg.Connection", connection))


async def _differing_candidates(connection: asyncpg.Connection) -> list[str]:
    """Return a line for every candidate row that differs from the tables that it repeats."""
    found: list[str] = []
    people = await candidate_rows.next_members(connection, FIRST, SUBJECTS_PER_CHUNK)
    while people:
        found += map(str, await candidate_rows.differing(connection, people))
        people = await candidate_rows.next_members(connection, people[-1], SUBJECTS_PER_CHUNK)
    return found


async def rebuild(uow: UnitOfWork, on_progress: OnProgress | None = None) -> int:
    """Rebuild the projections from the journal in one transaction; return the number of subjects.

    Raises RefusedError where a stream cannot be replayed. Rounds and messages are no projections and stay as they are.
    Candidate rows are computed anew at the end.
    """

    async def inside(connection: asyncpg.Connection, now: datetime) -> int:
        await connection.execute(sql("lift_statement_timeout"))
        await lock_projections(connection)
        await connection.execute(sql("wait_for_rounds"))
        await connection.execute(sql("drop_unknown_rounds"), timeout=LONG_S)
        for table in reversed(PROJECTIONS):
            await table.drop(connection, timeout=LONG_S)
        count = 0
        async for subjects in _chunks(connection):
            await _write(connection, await _replay(connection, subjects), now)
            count += len(subjects)
            if on_progress is not None:
                on_progress(count)
        await candidate_rows.refresh_all(connection)
        return count

    return await uow.transact(inside)


async def differences(connection: asyncpg.Connection, subjects: Sequence[UUID]) -> list[str]:
    """Compare the rows of some subjects with the journal; requires a transaction with one snapshot."""
    if not subjects:
        return []
    replayed = await _replay(connection, subjects)
    found = list(replayed.errors)
    # A newer process compares these: this one cannot decide whether they differ.
    subjects = [subject for subject in subjects if subject not in replayed.newer]
    for table in PROJECTIONS:
        stored = [table.packed(tuple(record)) for record in await table.read(connection, subjects)]
        found += _differ(table, stored, replayed.rows[table])
    return found


def _differ(table: Table, stored: Iterable[Row], replayed: Iterable[Row]) -> Iterator[str]:
    have = {table.key_of(row): row for row in stored}
    want = {table.key_of(row): row for row in replayed}
    for key in sorted(want.keys() | have.keys(), key=str):
        label = f"{table.name} {' '.join(map(str, key)) if isinstance(key, tuple) else key}"
        if key not in have:
            yield f"{label}: missing"
        elif key not in want:
            yield f"{label}: not in the journal"
        else:
            for column, value, right in zip(table.columns, have[key], want[key], strict=True):
                if value != right:
                    yield f"{label}: {column} is {value}, and {right} in the journal"


async def _next(connection: asyncpg.Connection, after: UUID) -> list[UUID]:
    return [row["subject"] for row in await connection.fetch(sql("next_subjects"), after, SUBJECTS_PER_CHUNK)]


async def _chunks(connection: asyncpg.Connection) -> AsyncIterator[list[UUID]]:
    subjects = await _next(connection, FIRST)
    while subjects:
        yield subjects
        subjects = await _next(connection, subjects[-1])


async def _replay(connection: asyncpg.Connection, subjects: Sequence[UUID]) -> Replayed:
    """Replay the streams of subjects into rows."""
    homes = {row["stream"]: row for row in await connection.fetch(sql("owners_of_subjects"), subjects)}
    replayed = Replayed({table: [] for table in PROJECTIONS}, [], [], [])
    for subject, events in (await _read(connection, subjects, replayed)).items():
        try:
            _fold(replayed, subject, events, homes)
        except (RefusedError, LookupError, ValueError) as error:
            replayed.errors.append(f"journal {subject}: {describe(error)}")
    return replayed


async def _read(
    connection: asyncpg.Connection, subjects: Sequence[UUID], replayed: Replayed
) -> dict[UUID, list[Event]]:
    """Read the streams; one with an event that cannot be read is recorded as such and left out."""
    try:
        return await read_streams(connection, subjects)
    except (ValueError, LookupError, NewerVersionError) as error:
        if len(subjects) > 1:
            parts = [await _read(connection, [subject], replayed) for subject in subjects]
            return {subject: events for part in parts for subject, events in part.items()}
        if isinstance(error, NewerVersionError):
            replayed.newer[subjects[0]] = str(error)
        else:
            replayed.errors.append(
                f"journal {subjects[0]}: an event cannot be read: `dispatch journal verify` names it"
            )
        return {}


def _fold(
    replayed: Replayed, subject: UUID, events: Sequence[Event], homes: Mapping[UUID, asyncpg.Record]
) -> None:
    if isinstance(events[0], IncidentOpened):
        replayed.opened.append(events[0])
        incident = replay(events)
        if incident is not None:
            _add_incident(replayed, incident)
        return
    escalations: Escalations = {}
    for event in events:
        if isinstance(event, EscalationEvent):
            escalations = escalation.evolve(escalations, event)
    if escalations:
        organisation, mode = homes[subject]["organisation"], homes[subject]["mode"]
        replayed.rows[ESCALATIONS] += ESCALATIONS.rows((organisation, mode), escalations.values())
        replayed.rows[AGENDA] += agenda_rows(organisation, escalations)


def _add_incident(replayed: Replayed, incident: Incident) -> None:
    replayed.incidents.append(incident)
    for table, rows in rows_of(incident).items():
        replayed.rows[table] += rows


async def _write(connection: asyncpg.Connection, replayed: Replayed, now: datetime) -> None:
    if errors := [*replayed.errors, *replayed.newer.values()]:
        raise RefusedError("; ".join(errors))
    plans = plans_of(replayed.opened, replayed.incidents, now)
    await save(connection, [plans, *(Change(table, (), replayed.rows[table]) for table in PROJECTIONS)])
