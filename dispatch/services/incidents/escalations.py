"""Escalations of reports and of the system: subjects without an incident."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Acknowledge
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Escalation
from dispatch.domain.supervising import escalation
from dispatch.domain.supervising.escalation import Acknowledgement, Cause, Escalations
from dispatch.services.core.short_ids import unknown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import execution
from dispatch.storage.changes import save
from dispatch.storage.journal import Entry, append
from dispatch.storage.projections import AGENDA, ESCALATIONS
from dispatch.storage.queries import sql
from dispatch.storage.table import Row
from schemas.base import Mode
from schemas.escalations import EscalationEvent, SubjectKind
from schemas.ids import derived

ACKNOWLEDGED_FOR = timedelta(minutes=15)
"""How long an acknowledgement of a report's or the system's escalation holds."""
SEVERITY = 0
"""The agenda takes these escalations with the most severe incidents, since a human has to act on them."""


def system_subject(organisation: UUID) -> UUID:
    """Return the id of the system as a subject of an organisation's escalations."""
    return derived(organisation, "system")


async def escalate(
    connection: asyncpg.Connection,
    organisation: UUID,
    subject_kind: SubjectKind,
    subject_id: UUID,
    cause: Cause,
    now: datetime,
) -> None:
    """Escalate a report or the system to a supervisor; a reason that is open already is not raised again."""
    before = await _lock(connection, subject_id)
    events = list(escalation.raised(before, (subject_kind, subject_id), cause, now))
    await _write(connection, organisation, "actual", before, events, now)


async def acknowledge(uow: UnitOfWork, organisation: UUID, escalation_id: UUID, by: str) -> None:
    """Record that a named supervisor has seen an escalation of any subject.

    Raises NotFoundError where the organisation has no such escalation, RefusedError where it is resolved.
    """
    kind, subject = await _subject_of(uow, organisation, escalation_id)
    if kind == "incident":
        await execution.execute_command(uow, organisation, subject, Acknowledge(escalation_id, by))
        return

    async def inside(connection: asyncpg.Connection, now: datetime) -> None:
        before = await _lock(connection, subject)
        how = Acknowledgement(by, now + ACKNOWLEDGED_FOR)
        event = escalation.acknowledged(before, escalation_id, how, now)
        await _write(connection, organisation, "actual", before, [event], now)

    await uow.transact(inside)


async def acknowledge_raised(
    connection: asyncpg.Connection, subject: UUID, command: Acknowledge, now: datetime
) -> bool:
    """Acknowledge an escalation of a report or the system unless somebody has; return whether it was done."""
    owner = await connection.fetchrow(sql("subject_owner"), subject)
    before = await _lock(connection, subject)
    current = before.get(command.escalation_id)
    if owner is None or current is None or current.status != "raised":
        return False
    how = Acknowledgement(command.by, now + ACKNOWLEDGED_FOR, command.channel)
    event = escalation.acknowledged(before, command.escalation_id, how, now)
    await _write(connection, owner["organisation"], owner["mode"], before, [event], now)
    return True


async def resolve(uow: UnitOfWork, organisation: UUID, escalation_id: UUID, by: str) -> None:
    """Resolve an escalation of a report or the system; a resolved one stays as it is.

    Raises NotFoundError where the organisation has no such escalation, RefusedError where it is an incident's.
    """
    kind, subject = await _subject_of(uow, organisation, escalation_id)
    if kind == "incident":
        msg = "an incident's escalation is resolved on the incident: take it over, close it or cancel it"
        raise RefusedError(msg)

    async def inside(connection: asyncpg.Connection, now: datetime) -> None:
        before = await _lock(connection, subject)
        named = {escalation_id: before[escalation_id]}
        events = list(escalation.resolved(named, None, f"resolved by {by}", now))
        await _write(connection, organisation, "actual", before, events, now)

    await uow.transact(inside)


async def lock_system(connection: asyncpg.Connection, organisation: UUID) -> None:
    """Lock the system's escalations of an organisation until the transaction ends."""
    await connection.execute(sql("lock_subject"), str(system_subject(organisation)))


async def resolve_system(
    connection: asyncpg.Connection, organisation: UUID, reason: str, why: str, now: datetime
) -> None:
    """Resolve the open escalation of the system for a reason whose cause is gone."""
    before = await _lock(connection, system_subject(organisation))
    events = list(escalation.resolved(before, {reason}, why, now))
    await _write(connection, organisation, "actual", before, events, now)


async def run_due(connection: asyncpg.Connection, subject: UUID, now: datetime) -> None:
    """Lapse the acknowledgements and repeat the pages that are due for one report or for the system."""
    owner = await connection.fetchrow(sql("subject_owner"), subject)
    if owner is None:
        return
    before = await _lock(connection, subject)
    await _write(
        connection, owner["organisation"], owner["mode"], before, list(escalation.due(before, now)), now
    )


async def _subject_of(uow: UnitOfWork, organisation: UUID, escalation_id: UUID) -> tuple[SubjectKind, UUID]:
    row = await uow.pool.fetchrow(sql("escalation_subject"), escalation_id, organisation)
    if row is None:
        raise unknown("escalation")
    return row["subject_kind"], row["subject_id"]


async def _lock(connection: asyncpg.Connection, subject: UUID) -> Escalations:
    await connection.execute(sql("lock_subject"), str(subject))
    found: list[Escalation] = [
        ESCALATIONS.value(row) for row in await ESCALATIONS.read(connection, [subject])
    ]
    return {one.id: one for one in found}


async def _write(
    connection: asyncpg.Connection,
    organisation: UUID,
    mode: Mode,
    before: Escalations,
    events: Sequence[EscalationEvent],
    now: datetime,
) -> None:
    after = before
    for event in events:
        after = escalation.evolve(after, event)
    changed = [one for name, one in after.items() if before.get(name) != one]
    if not changed:
        return
    subject = changed[0].subject_id
    entries = [
        Entry(subject, event, organisation, mode, str(subject), event.at, now, rank=0) for event in events
    ]
    await append(connection, entries, now)
    rows = [ESCALATIONS.rows((organisation, mode), one.values()) for one in (before, after)]
    due = [agenda_rows(organisation, one) for one in (before, after)]
    await save(connection, [ESCALATIONS.change(*rows), AGENDA.change(*due)])


def agenda_rows(organisation: UUID, escalations: Escalations) -> list[Row]:
    """Return the agenda rows of subjects without an incident."""
    kinds = {(one.subject_id, one.subject_kind) for one in escalations.values()}
    return [
        (subject, kind, subject_kind, organisation, SEVERITY, at)
        for subject, subject_kind in kinds
        for kind, at in sorted(escalation.agenda(escalations).items())
    ]
