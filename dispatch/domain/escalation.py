"""Escalations of any subject, an incident, a report or the system: told, acknowledged, lapsed, passed on, settled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from dispatch.domain import transitions
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Escalation, EscalationStatus
from schemas.escalations import (
    EscalationAcknowledged,
    EscalationEvent,
    EscalationHandedOver,
    EscalationLapsed,
    EscalationRaised,
    EscalationResolved,
    SubjectKind,
)
from schemas.ids import derived

PASS_ON = timedelta(seconds=60)
"""How long one duty contact has before the next is told."""
PASS_ON_LATER = timedelta(minutes=10)
"""How often they are told after ten turns: a lone mayor is not buried, and not forgotten."""
TURNS_AT_FULL_PACE = 10

Escalations = Mapping[UUID, Escalation]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a supervisor is told, how gravely, and whether by message."""

    reason: str
    level: int
    page: bool
    detail: str = ""


def evolve(escalations: Escalations, event: EscalationEvent) -> Escalations:
    """Fold one event into the escalations of its subject."""
    before = escalations.get(event.escalation_id)
    if before is None:
        after = _first(cast(EscalationRaised, event))
    else:
        status = transitions.follow(transitions.ESCALATION, before.status, type(event))
        after = _next(replace(before, status=cast(EscalationStatus, status)), event)
    return {**escalations, after.id: after}


def _first(event: EscalationRaised) -> Escalation:
    return Escalation(
        event.escalation_id, event.subject_kind, event.subject_id, event.reason, event.detail, event.level,
        event.page, event.turn, "raised", event.at, event.at,
    )  # fmt: skip


def _next(after: Escalation, event: EscalationEvent) -> Escalation:
    if isinstance(event, EscalationRaised):
        told = {"level": event.level, "page": event.page, "turn": event.turn, "detail": event.detail}
        return replace(after, told_at=event.at, acknowledged_by=None, lapses_at=None, **told)  # type: ignore[arg-type]
    if isinstance(event, EscalationAcknowledged):
        return replace(after, acknowledged_by=event.by, lapses_at=event.lapses_at)
    if isinstance(event, EscalationHandedOver):
        return replace(after, acknowledged_by=event.by, lapses_at=None)
    return replace(after, lapses_at=None)


def raised(
    escalations: Escalations, subject: tuple[SubjectKind, UUID], cause: Cause, now: datetime
) -> Iterator[EscalationEvent]:
    """Tell a supervisor, unless an open escalation of that reason says as much already."""
    same = [e for e in escalations.values() if e.reason == cause.reason]
    current = next((e for e in same if e.open), None)
    if current is None:
        name = derived(subject[1], "escalation", cause.reason, len(same))
        yield _raise(name, subject, cause, now, turn=0)
    elif cause.level > current.level or (cause.page and not current.page):
        worse = replace(cause, level=max(cause.level, current.level), page=cause.page or current.page)
        yield _raise(current.id, subject, worse, now, turn=0)


def _raise(
    name: UUID, subject: tuple[SubjectKind, UUID], cause: Cause, now: datetime, *, turn: int
) -> EscalationRaised:
    return EscalationRaised(
        at=now,
        escalation_id=name,
        subject_kind=subject[0],
        subject_id=subject[1],
        reason=cause.reason,
        level=cause.level,
        turn=turn,
        page=cause.page,
        detail=cause.detail,
    )


def acknowledged(
    escalations: Escalations, escalation_id: UUID, by: str, lapses_at: datetime, now: datetime
) -> EscalationEvent:
    """Note that a named supervisor has seen it; raises RefusedError where it is settled or unknown."""
    current = escalations.get(escalation_id)
    if current is None or not current.open:
        msg = "this escalation is settled: there is nothing to acknowledge"
        raise RefusedError(msg)
    return EscalationAcknowledged(at=now, by=by, lapses_at=lapses_at, **_names(current))  # type: ignore[arg-type]


def resolved(
    escalations: Escalations, reasons: set[str] | None, why: str, now: datetime
) -> Iterator[EscalationEvent]:
    """Settle the open escalations of these reasons, or of all reasons where none are named."""
    for current in _open(escalations):
        if reasons is None or current.reason in reasons:
            yield EscalationResolved(at=now, reason=why, **_names(current))  # type: ignore[arg-type]


def handed_over(escalations: Escalations, by: str, now: datetime) -> Iterator[EscalationEvent]:
    """Settle all open escalations: a named human has what they were about."""
    for current in _open(escalations):
        yield EscalationHandedOver(at=now, by=by, **_names(current))  # type: ignore[arg-type]


def due(escalations: Escalations, now: datetime) -> Iterator[EscalationEvent]:
    """Let acknowledgements lapse and pass unacknowledged pages on to the next in duty order."""
    for current in _open(escalations):
        if current.lapses_at is not None and current.lapses_at <= now:
            yield EscalationLapsed(at=now, **_names(current))  # type: ignore[arg-type]
            yield _again(current, now)
        elif _passes_on_at(current) is not None and cast(datetime, _passes_on_at(current)) <= now:
            yield _again(current, now)


def agenda(escalations: Escalations) -> dict[str, datetime]:
    """Give what is due when: the next to be told, and the next acknowledgement to lapse."""
    pages = [at for e in _open(escalations) if (at := _passes_on_at(e)) is not None]
    lapses = [e.lapses_at for e in _open(escalations) if e.lapses_at is not None]
    found = {"page": min(pages, default=None), "lapse": min(lapses, default=None)}
    return {kind: at for kind, at in found.items() if at is not None}


def _again(current: Escalation, now: datetime) -> EscalationRaised:
    cause = Cause(current.reason, current.level, current.page, current.detail)
    return _raise(current.id, (current.subject_kind, current.subject_id), cause, now, turn=current.turn + 1)


def _passes_on_at(current: Escalation) -> datetime | None:
    if current.status != "raised" or not current.page:
        return None
    return current.told_at + (PASS_ON if current.turn < TURNS_AT_FULL_PACE else PASS_ON_LATER)


def _open(escalations: Escalations) -> list[Escalation]:
    return sorted((e for e in escalations.values() if e.open), key=lambda e: (e.raised_at, e.id))


def _names(current: Escalation) -> dict[str, object]:
    return {
        "escalation_id": current.id,
        "subject_kind": current.subject_kind,
        "subject_id": current.subject_id,
    }
