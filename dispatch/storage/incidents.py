"""Incidents in Postgres: lock, read and write them, in bulk and in one order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from dispatch.domain.decision import Decision
from dispatch.domain.errors import NewerVersionError
from dispatch.domain.incident import Incident
from dispatch.storage.changes import save
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import execute_rows
from dispatch.storage.projections import (
    ASSIGNMENTS,
    ESCALATIONS,
    INCIDENTS,
    OFFERS,
    PLANS,
    PROJECTIONS,
    RECALLS,
    SEATS,
    Rows,
    incident_from,
    rows_between,
    rows_of,
)
from dispatch.storage.queries import sql
from dispatch.storage.table import Change, Row, Table
from schemas.base import SEVERITY_RANK, Event
from schemas.generations import GENERATION
from schemas.incidents import IncidentOpened
from schemas.plans import Plan, read_plan

OF_OPENED = (SEATS,)
OF_CONSIDERED = (SEATS, OFFERS, ASSIGNMENTS, RECALLS, ESCALATIONS)
"""The tables of the parts of an incident; one that was only opened has only seats."""
UNSETTLED = {
    OFFERS: OFFERS.statement("read_unsettled_offers"),
    ASSIGNMENTS: ASSIGNMENTS.statement("read_unsettled_assignments"),
}
"""The statements that leave out what is settled, except for named offers."""
_PLANS: dict[str, Plan] = {}


async def lock(
    connection: asyncpg.Connection, ids: Iterable[UUID], offers: Iterable[UUID] = ()
) -> dict[UUID, Incident]:
    """Lock incidents in the order of their ids and read them; those that do not exist are absent.

    Of what is settled, only these offers and their assignments are read: an incident that asked many costs no more.
    """
    if not (wanted := sorted(set(ids))):
        return {}
    found = await connection.fetch(INCIDENTS.statements["lock_rows"], wanted)
    return await _load(connection, found, sorted(set(offers)))


async def lock_free(connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, Incident]:
    """Lock those incidents that no other transaction holds, and read them without what is settled."""
    found = await connection.fetch(INCIDENTS.statements["lock_free_rows"], sorted(set(ids)))
    return await _load(connection, found, [])


async def read(connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, Incident]:
    """Read incidents with all that belongs to them, without a lock."""
    return await _load(connection, await INCIDENTS.read(connection, sorted(set(ids))), None)


async def read_unsettled(connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, Incident]:
    """Read incidents without what is settled and without a lock."""
    return await _load(connection, await INCIDENTS.read(connection, sorted(set(ids))), [])


async def _load(
    connection: asyncpg.Connection, found: Sequence[asyncpg.Record], named: Sequence[UUID] | None
) -> dict[UUID, Incident]:
    """Read what belongs to incidents: all of it, or without what is settled, except where it is of the named offers."""
    children: dict[UUID, dict[Table, list[Any]]] = {
        row["id"]: {table: [] for table in OF_CONSIDERED} for row in found
    }
    considered = [row["id"] for row in found if row["seq"] > 1]
    for table in OF_CONSIDERED if considered else OF_OPENED:
        subjects = list(children) if table in OF_OPENED else considered
        for row in await _read(connection, table, subjects, named):
            if row[table.subject] in children:
                children[row[table.subject]][table].append(table.value(row))
    plans = await _plans(connection, {row["plan_hash"] for row in found})
    return {row["id"]: incident_from(row, plans[row["plan_hash"]], children[row["id"]]) for row in found}


async def _read(
    connection: asyncpg.Connection, table: Table, subjects: Sequence[UUID], named: Sequence[UUID] | None
) -> list[asyncpg.Record]:
    """Return the rows of incidents in a table; those of named offers may belong to other incidents."""
    if named is None or table not in UNSETTLED:
        return await table.read(connection, subjects)
    return await connection.fetch(UNSETTLED[table], subjects, named)


async def _plans(connection: asyncpg.Connection, hashes: set[str]) -> Mapping[str, Plan]:
    """Return plans by their hashes, each read once per process: a hash never means another plan."""
    if lacking := sorted(hashes - _PLANS.keys()):
        found = await connection.fetch(sql("read_plans"), lacking)
        _PLANS.update((row["hash"], _plan(row)) for row in found)
    return _PLANS


def _plan(row: asyncpg.Record) -> Plan:
    """Read a stored plan; raises NewerVersionError where only the newer version that stored it can."""
    try:
        return read_plan(row["body"])
    except ValidationError as error:
        if row["generation"] <= GENERATION:
            raise
        raise NewerVersionError(
            f"plan {row['hash']} is of generation {row['generation']}: this version reads {GENERATION}"
        ) from error


async def write(
    connection: asyncpg.Connection,
    decisions: Sequence[Decision],
    now: datetime,
    received: Mapping[UUID, datetime] | None = None,
) -> None:
    """Write the events of decisions: journal and outbox, then plans and projections.

    `received` is when each incident's cause was received. `transaction` raises RetryableError where another one wrote
    to an incident or took a volunteer meanwhile.
    """
    changed = sorted(
        (decision for decision in decisions if decision.events), key=lambda decision: decision.incident.id
    )
    if not changed:
        return
    opened = [decision.incident.id for decision in changed if _is_new(decision)]
    await append(connection, _entries(changed, now, received or {}), now, new=opened)
    await execute_rows(
        connection, "raise_outbox_rank", [row for decision in changed for row in _raised(decision)]
    )
    events = (event for decision in changed for event in decision.events)
    await save(connection, [plans_of(events, _replanned(changed), now), *changes_of(changed)])


def changes_of(decisions: Iterable[Decision]) -> Iterator[Change]:
    """Yield what decisions change in each projection."""
    rows = [_rows(decision) for decision in decisions]
    for table in PROJECTIONS:
        before, after = (
            [row for one in side for row in one.get(table, ())] for side in zip(*rows, strict=True)
        )
        yield table.change(before, after)


def _entries(decisions: Sequence[Decision], now: datetime, received: Mapping[UUID, datetime]) -> list[Entry]:
    return [
        Entry(
            stream=decision.incident.id,
            event=event,
            organisation=decision.incident.organisation,
            mode=decision.incident.mode,
            key=str(decision.incident.id),
            occurred_at=event.at,
            received_at=received.get(decision.incident.id, now),
            rank=SEVERITY_RANK[decision.incident.severity],
        )
        for decision in decisions
        for event in decision.events
    ]


def _raised(decision: Decision) -> list[Row]:
    """Return an incident that has become more severe: its unpublished events must not be overtaken by what follows."""
    before, after = SEVERITY_RANK[decision.before.severity], SEVERITY_RANK[decision.incident.severity]
    return [(decision.incident.id, after)] if after < before else []


def _is_new(decision: Decision) -> bool:
    """Return whether the incident was opened by this decision."""
    return decision.incident.seq == len(decision.events)


def _replanned(decisions: Iterable[Decision]) -> list[Incident]:
    """Return the incidents that were given another plan than the one that they had."""
    return [
        decision.incident
        for decision in decisions
        if decision.incident.plan_hash != decision.before.plan_hash
    ]


def _rows(decision: Decision) -> tuple[Rows, Rows]:
    """Return the rows before and after a decision that may differ."""
    if _is_new(decision):
        return {}, rows_of(decision.incident)
    return rows_between(decision.before, decision.incident)


def plans_of(events: Iterable[Event], incidents: Iterable[Incident], now: datetime) -> Change:
    """Return the plans in events and in incidents as rows to write; those that are stored already are unchanged.

    A plan is stored as it is in its event, so that fields unknown to this version are retained.
    """
    bodies = {event.plan_hash: event.plan for event in events if isinstance(event, IncidentOpened)}
    for incident in incidents:
        if incident.plan_hash not in bodies:
            bodies[incident.plan_hash] = incident.plan.canonical
    rows = [(name, body["name"], body, now, GENERATION) for name, body in sorted(bodies.items())]
    return Change(PLANS, (), rows)
