"""Incidents in Postgres: lock, read, and write what was decided, in bulk and in one order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from dispatch.domain.draft import Draft
from dispatch.domain.errors import NewerVersionError
from dispatch.domain.incident import Assignment, Escalation, Incident, Offer, Recall, Seat
from dispatch.storage import rows
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import sql
from dispatch.storage.rows import Children, Row
from schemas.base import SEVERITY_RANK, Event
from schemas.incidents import IncidentOpened
from schemas.plans import Plan, read_plan

RACED = {
    "offers_one_live",
    "assignments_one_per_volunteer",
    "assignments_one_per_seat",
    "escalations_one_open",
}
"""Invariants that two transactions can run into from both sides: the loser looks again."""
_PLANS: dict[str, Plan] = {}


async def lock(connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, Incident]:
    """Lock incidents in the order of their ids and read them; those that do not exist are absent."""
    wanted = sorted(set(ids))
    return await _load(connection, await connection.fetch(sql("lock_incidents"), wanted)) if wanted else {}


async def lock_free(connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, Incident]:
    """Lock and read those incidents that no other transaction holds."""
    return await _load(connection, await connection.fetch(sql("lock_free_incidents"), sorted(set(ids))))


async def read(connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, Incident]:
    """Read incidents without a lock."""
    return await _load(connection, await connection.fetch(sql("read_incidents"), sorted(set(ids))))


async def _load(connection: asyncpg.Connection, found: Sequence[asyncpg.Record]) -> dict[UUID, Incident]:
    children = Children()
    if ids := [row["id"] for row in found]:
        children.add(children.seats, Seat, await connection.fetch(sql("read_seats"), ids))
    # On an incident that was only opened nothing hangs yet.
    if ids := [row["id"] for row in found if row["seq"] > 1]:
        children.add(children.offers, Offer, await connection.fetch(sql("read_offers"), ids))
        children.add(children.assignments, Assignment, await connection.fetch(sql("read_assignments"), ids))
        children.add(children.recalls, Recall, await connection.fetch(sql("read_recalls"), ids))
        children.add(children.escalations, Escalation, await connection.fetch(sql("read_escalations"), ids))
    plans = await _plans(connection, {row["plan_hash"] for row in found})
    return {row["id"]: rows.incident_from(row, plans[row["plan_hash"]], children) for row in found}


async def _plans(connection: asyncpg.Connection, hashes: set[str]) -> Mapping[str, Plan]:
    """Give plans by their hashes, each read once per process: a hash never means another plan."""
    if lacking := sorted(hashes - _PLANS.keys()):
        found = await connection.fetch(sql("read_plans"), lacking)
        _PLANS.update((row["hash"], _plan(row["hash"], row["body"])) for row in found)
    return _PLANS


def _plan(name: str, body: Mapping[str, Any]) -> Plan:
    """Read a plan that Renfort stored; raises NewerVersionError where this version cannot."""
    try:
        return read_plan(body)
    except ValidationError as error:
        raise NewerVersionError(f"plan {name} needs a newer version of Renfort") from error


async def write(
    connection: asyncpg.Connection,
    drafts: Sequence[Draft],
    now: datetime,
    received: Mapping[UUID, datetime] | None = None,
) -> None:
    """Write what drafts decided: journal and outbox, then the projections, then the agenda.

    `received` says when each incident's cause was received. Raises RetryableError where another transaction
    took a volunteer meanwhile.
    """
    changed = sorted((draft for draft in drafts if draft.events), key=lambda draft: draft.incident.id)
    if not changed:
        return
    await append(connection, _entries(changed, now, received or {}), now)
    await upsert(connection, "raise_waiting", [row for draft in changed for row in _raised(draft)])
    try:
        await _project(connection, changed, now)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name in RACED:
            raise RetryableError(error.constraint_name) from error
        raise


def _entries(drafts: Sequence[Draft], now: datetime, received: Mapping[UUID, datetime]) -> list[Entry]:
    return [
        Entry(
            stream=draft.incident.id,
            event=event,
            organisation=draft.incident.organisation,
            mode=draft.incident.mode,
            key=str(draft.incident.id),
            occurred_at=event.at,
            received_at=received.get(draft.incident.id, now),
            rank=SEVERITY_RANK[draft.incident.severity],
        )
        for draft in drafts
        for event in draft.events
    ]


def _raised(draft: Draft) -> list[Row]:
    """Give an incident that has become more severe: what it has waiting must not be overtaken by what follows."""
    before, after = SEVERITY_RANK[draft.before.severity], SEVERITY_RANK[draft.incident.severity]
    return [(draft.incident.id, after)] if after < before else []


async def _project(connection: asyncpg.Connection, drafts: Sequence[Draft], now: datetime) -> None:
    await upsert(connection, "write_plans", plan_rows((e for draft in drafts for e in draft.events), now))
    await upsert(connection, "write_incidents", [rows.incident_row(draft.incident) for draft in drafts])
    await upsert(connection, "write_seats", _changed(drafts, rows.seat_rows, lambda row: row[8] is not None))
    await upsert(
        connection, "write_offers", _changed(drafts, rows.offer_rows, lambda row: row[5] == "extended")
    )
    await upsert(
        connection,
        "write_assignments",
        _changed(drafts, rows.assignment_rows, lambda row: row[6] != "released"),
    )
    await upsert(connection, "write_recalls", _changed(drafts, rows.recall_rows, lambda _row: False))
    await upsert(
        connection, "write_escalations", _changed(drafts, _escalation_rows, lambda row: row[10] == "raised")
    )
    before = [row for draft in drafts if not _is_new(draft) for row in rows.agenda_rows(draft.before)]
    await schedule(connection, before, [row for draft in drafts for row in rows.agenda_rows(draft.incident)])


def plan_rows(events: Iterable[Event], now: datetime) -> list[Row]:
    """Lay out the plans that events carry, whole: an older version keeps the fields that it does not know."""
    plans = {event.plan_hash: event.plan for event in events if isinstance(event, IncidentOpened)}
    return [(name, body["name"], body, now) for name, body in sorted(plans.items())]


async def schedule(connection: asyncpg.Connection, before: Sequence[Row], after: Sequence[Row]) -> None:
    """Write the difference between what was due and what is due now."""
    kept = {row[:2] for row in after}
    gone = sorted(row[:2] for row in before if row[:2] not in kept)
    if gone:
        await connection.execute(sql("clear_agenda"), *map(list, zip(*gone, strict=True)))
    unchanged = set(before)
    await upsert(connection, "write_agenda", sorted(row for row in after if row not in unchanged))


async def upsert(connection: asyncpg.Connection, query: str, found: Sequence[Row]) -> None:
    """Run a bulk write, unless there is nothing to write."""
    if found:
        await connection.execute(sql(query), *map(list, zip(*found, strict=True)))


def _escalation_rows(incident: Incident) -> list[Row]:
    return rows.escalation_rows(incident.organisation, incident.mode, incident.escalations.values())


def _changed(
    drafts: Sequence[Draft], lay_out: Callable[[Incident], list[Row]], last: Callable[[Row], bool]
) -> list[Row]:
    """Give the rows that differ, sorted, with those that claim something unique last."""
    found: list[Row] = []
    for draft in drafts:
        before = set() if _is_new(draft) else set(lay_out(draft.before))
        found += [row for row in lay_out(draft.incident) if row not in before]
    return sorted(found, key=lambda row: (last(row), str(row[:3])))


def _is_new(draft: Draft) -> bool:
    """Tell whether the incident was opened by this very draft."""
    return draft.incident.seq == len(draft.events)
