"""The projections and the journal: comparing them, and writing the projections anew from the journal."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import cast
from uuid import UUID

import asyncpg

from dispatch.domain import escalation
from dispatch.domain.errors import RefusedError
from dispatch.domain.escalation import Escalations
from dispatch.domain.evolve import replay
from dispatch.domain.incident import Incident
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.escalations import agenda_rows
from dispatch.storage import rows
from dispatch.storage.incidents import plan_rows, upsert
from dispatch.storage.journal import read_streams
from dispatch.storage.pool import LONG_S, describe
from dispatch.storage.queries import sql
from dispatch.storage.rows import Row
from schemas.base import Event
from schemas.escalations import EscalationEvent
from schemas.incidents import IncidentOpened

AT_ONCE = 200
"""How many subjects are in memory at a time."""
FIRST = UUID(int=0)

OnProgress = Callable[[int], object]
Rows = dict[str, list[Row]]
KEYS: dict[str, tuple[int, ...]] = {
    "incidents": (0,), "seats": (0, 1), "offers": (2,), "assignments": (2,), "recalls": (0, 1),
    "escalations": (2,), "agenda": (0, 1),
}  # fmt: skip
"""The tables in the order in which they are written, with the columns that name a row."""


@dataclass(frozen=True, slots=True)
class Built:
    """What the journal says that the tables must hold, and the subjects whose history makes no sense."""

    rows: Rows
    opened: list[Event]
    broken: list[str]


async def compare(uow: UnitOfWork, on_progress: OnProgress | None = None) -> list[str]:
    """Name every row of the projections that is not as the journal says; may run beside everything else."""
    found: list[str] = []
    after, count = FIRST, 0
    async with uow.pool.acquire() as connection:
        while True:
            # One snapshot for both sides: what is written meanwhile is in neither.
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await connection.execute(sql("allow_minutes"))
                subjects = await _next(cast("asyncpg.Connection", connection), after)
                found += await differences(cast("asyncpg.Connection", connection), subjects)
            if not subjects:
                return found
            after, count = subjects[-1], count + len(subjects)
            if on_progress is not None:
                on_progress(count)


async def rebuild(uow: UnitOfWork, on_progress: OnProgress | None = None) -> int:
    """Write the projections anew from the journal, in one transaction; return how many subjects there are.

    Raises RefusedError where the journal itself makes no sense. Rounds and messages are left alone.
    """

    async def inside(connection: asyncpg.Connection, now: datetime) -> int:
        await connection.execute(sql("allow_minutes"))
        await connection.execute(sql("lock_projections"))
        await connection.execute(sql("wait_for_rounds"))
        await connection.execute(sql("drop_unknown_rounds"), timeout=LONG_S)
        for table in reversed(KEYS):
            await connection.execute(sql(f"drop_{table}"), timeout=LONG_S)
        count = 0
        async for subjects in _chunks(connection):
            await _write(connection, await _build(connection, subjects), now)
            count += len(subjects)
            if on_progress is not None:
                on_progress(count)
        return count

    return await uow.transact(inside)


async def differences(connection: asyncpg.Connection, subjects: Sequence[UUID]) -> list[str]:
    """Compare what hangs on some subjects with the journal; wants one snapshot."""
    if not subjects:
        return []
    built = await _build(connection, subjects)
    found = list(built.broken)
    for table, key in KEYS.items():
        stored = await connection.fetch(sql(f"stored_{table}"), subjects)
        found += _differ(table, key, built.rows[table], stored)
    return found


def _differ(
    table: str, key: tuple[int, ...], wanted: Iterable[Row], stored: Sequence[asyncpg.Record]
) -> Iterator[str]:
    name = itemgetter(*key)
    want = {name(row): row for row in wanted}
    have = {name(tuple(record)): record for record in stored}
    for which in sorted(want.keys() | have.keys(), key=str):
        label = f"{table} {' '.join(map(str, which)) if isinstance(which, tuple) else which}"
        if which not in have:
            yield f"{label}: missing"
        elif which not in want:
            yield f"{label}: not in the journal"
        else:
            for column, value, right in zip(have[which].keys(), have[which], want[which], strict=True):
                if value != right:
                    yield f"{label}: {column} is {value}, and {right} in the journal"


async def _next(connection: asyncpg.Connection, after: UUID) -> list[UUID]:
    return [row["subject"] for row in await connection.fetch(sql("next_subjects"), after, AT_ONCE)]


async def _chunks(connection: asyncpg.Connection) -> AsyncIterator[list[UUID]]:
    subjects = await _next(connection, FIRST)
    while subjects:
        yield subjects
        subjects = await _next(connection, subjects[-1])


async def _build(connection: asyncpg.Connection, subjects: Sequence[UUID]) -> Built:
    """Fold the streams of subjects into rows."""
    homes = {row["stream"]: row for row in await connection.fetch(sql("subject_homes"), subjects)}
    built = Built({table: [] for table in KEYS}, [], [])
    for subject, events in (await _read(connection, subjects, built.broken)).items():
        try:
            _fold(built, subject, events, homes)
        except (RefusedError, LookupError) as error:
            built.broken.append(f"journal {subject}: {describe(error)}")
    return built


async def _read(
    connection: asyncpg.Connection, subjects: Sequence[UUID], broken: list[str]
) -> dict[UUID, list[Event]]:
    """Read streams; one in which an event cannot be read is named in `broken`, and the others are read all the same."""
    try:
        return await read_streams(connection, subjects)
    except (ValueError, LookupError):
        if len(subjects) > 1:
            parts = [await _read(connection, [subject], broken) for subject in subjects]
            return {subject: events for part in parts for subject, events in part.items()}
        broken.append(f"journal {subjects[0]}: an event cannot be read: `dispatch journal verify` names it")
        return {}


def _fold(built: Built, subject: UUID, events: Sequence[Event], homes: Mapping[UUID, asyncpg.Record]) -> None:
    if isinstance(events[0], IncidentOpened):
        built.opened.append(events[0])
        incident = replay(events)
        if incident is not None:
            _add_incident(built, incident)
        return
    escalations: Escalations = {}
    for event in events:
        if isinstance(event, EscalationEvent):
            escalations = escalation.evolve(escalations, event)
    if escalations:
        home = homes[subject]
        told = rows.escalation_rows(home["organisation"], home["mode"], escalations.values())
        built.rows["escalations"] += told
        built.rows["agenda"] += agenda_rows(home["organisation"], escalations)


def _add_incident(built: Built, incident: Incident) -> None:
    told = rows.escalation_rows(incident.organisation, incident.mode, incident.escalations.values())
    laid_out: Rows = {
        "incidents": [rows.incident_row(incident)], "seats": rows.seat_rows(incident),
        "offers": rows.offer_rows(incident), "assignments": rows.assignment_rows(incident),
        "recalls": rows.recall_rows(incident), "escalations": told, "agenda": rows.agenda_rows(incident),
    }  # fmt: skip
    for table, found in laid_out.items():
        built.rows[table] += found


async def _write(connection: asyncpg.Connection, built: Built, now: datetime) -> None:
    if built.broken:
        raise RefusedError("; ".join(built.broken))
    await upsert(connection, "write_plans", plan_rows(built.opened, now))
    for table in KEYS:
        await upsert(connection, f"write_{table}", built.rows[table])
