"""Escalations of an incident, a report or the system: raised, acknowledged, lapsed, paged again, resolved."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from dispatch.domain import transitions
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Escalation, EscalationStatus
from schemas.base import Channel
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

PAGE_INTERVAL = timedelta(seconds=60)
"""How long one duty contact has to acknowledge before the next is paged."""
SLOW_PAGE_INTERVAL = timedelta(minutes=10)
"""The interval after the first turns: a single contact is neither flooded nor forgotten."""
TURNS_AT_FULL_PACE = 10
UNSENDABLE = "unsendable"
"""The reason for which an incident whose offers cannot be sent escalates."""
NOT_ENDED, ALONE = "not_ended", "alone_overdue"
"""Why a mission escalates whose time is over: nobody said that it has ended, or somebody is out there alone."""

Escalations = Mapping[UUID, Escalation]


class Cause(Struct, frozen=True):
    """Why an escalation is raised, at which level, and whether the duty contact is paged, first the one of `turn`."""

    reason: str
    level: int
    page: bool
    detail: str = ""
    turn: int = 0


class Acknowledgement(Struct, frozen=True):
    """By whom an escalation was seen, until when that holds, and by which channel it was said; null for the console."""

    by: str
    lapses_at: datetime
    channel: Channel | None = None


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
        fields = {"level": event.level, "page": event.page, "turn": event.turn, "detail": event.detail}
        return replace(after, told_at=event.at, acknowledged_by=None, lapses_at=None, **fields)
    if isinstance(event, EscalationAcknowledged):
        return replace(after, acknowledged_by=event.by, lapses_at=event.lapses_at)
    if isinstance(event, EscalationHandedOver):
        return replace(after, acknowledged_by=event.by, lapses_at=None)
    return replace(after, lapses_at=None)


def raised(
    escalations: Escalations, subject: tuple[SubjectKind, UUID], cause: Cause, now: datetime
) -> Iterator[EscalationEvent]:
    """Yield the event that escalates, unless an open escalation of that reason covers it at this level."""
    same = [e for e in escalations.values() if e.reason == cause.reason]
    current = next((e for e in same if e.open), None)
    if current is None:
        name = derived(subject[1], "escalation", cause.reason, len(same))
        yield _raise(name, subject, cause, now, turn=cause.turn)
    elif cause.level > current.level or (cause.page and not current.page):
        worse = replace(cause, level=max(cause.level, current.level), page=cause.page or current.page)
        yield _raise(current.id, subject, worse, now, turn=cause.turn)


def _raise(
    escalation_id: UUID, subject: tuple[SubjectKind, UUID], cause: Cause, now: datetime, *, turn: int
) -> EscalationRaised:
    return EscalationRaised(
        at=now,
        escalation_id=escalation_id,
        subject_kind=subject[0],
        subject_id=subject[1],
        reason=cause.reason,
        level=cause.level,
        turn=turn,
        page=cause.page,
        detail=cause.detail,
    )


def acknowledged(
    escalations: Escalations, escalation_id: UUID, how: Acknowledgement, now: datetime
) -> EscalationEvent:
    """Return the acknowledgement of a named supervisor; raises RefusedError where it is resolved or unknown."""
    current = escalations.get(escalation_id)
    if current is None or not current.open:
        msg = "this escalation is resolved: there is nothing to acknowledge"
        raise RefusedError(msg)
    return EscalationAcknowledged(
        at=now,
        by=how.by,
        lapses_at=how.lapses_at,
        channel=how.channel,
        **_names(current),  # type: ignore[arg-type]
    )


def resolved(
    escalations: Escalations, reasons: set[str] | None, why: str, now: datetime
) -> Iterator[EscalationEvent]:
    """Resolve the open escalations of these reasons, or of all reasons where none are named."""
    for current in _open(escalations):
        if reasons is None or current.reason in reasons:
            yield EscalationResolved(at=now, reason=why, **_names(current))  # type: ignore[arg-type]


def handed_over(escalations: Escalations, by: str, now: datetime) -> Iterator[EscalationEvent]:
    """Hand all open escalations over to a named human."""
    for current in _open(escalations):
        yield EscalationHandedOver(at=now, by=by, **_names(current))  # type: ignore[arg-type]


def due(escalations: Escalations, now: datetime) -> Iterator[EscalationEvent]:
    """Lapse acknowledgements that are due, and page the next duty contact where nobody acknowledged in time."""
    for current in _open(escalations):
        if current.lapses_at is not None and current.lapses_at <= now:
            yield from repeated(current, now)
        elif _next_page_at(current) is not None and cast(datetime, _next_page_at(current)) <= now:
            yield _raise_again(current, now)


def repeated(current: Escalation, now: datetime) -> Iterator[EscalationEvent]:
    """End an acknowledgement before its time, and page the next duty contact."""
    yield EscalationLapsed(at=now, **_names(current))  # type: ignore[arg-type]
    yield _raise_again(current, now)


def agenda(escalations: Escalations) -> dict[str, datetime]:
    """Return when the next page is due, and when the next acknowledgement lapses."""
    if not escalations:
        return {}
    pages = [at for e in _open(escalations) if (at := _next_page_at(e)) is not None]
    lapses = [e.lapses_at for e in _open(escalations) if e.lapses_at is not None]
    found = {"page": min(pages, default=None), "lapse": min(lapses, default=None)}
    return {kind: at for kind, at in found.items() if at is not None}


def _raise_again(current: Escalation, now: datetime) -> EscalationRaised:
    cause = Cause(current.reason, current.level, current.page, current.detail)
    return _raise(current.id, (current.subject_kind, current.subject_id), cause, now, turn=current.turn + 1)


def _next_page_at(current: Escalation) -> datetime | None:
    if current.status != "raised" or not current.page:
        return None
    return current.told_at + (PAGE_INTERVAL if current.turn < TURNS_AT_FULL_PACE else SLOW_PAGE_INTERVAL)


def _open(escalations: Escalations) -> list[Escalation]:
    return sorted((e for e in escalations.values() if e.open), key=lambda e: (e.raised_at, e.id))


def _names(current: Escalation) -> dict[str, object]:
    return {
        "escalation_id": current.id,
        "subject_kind": current.subject_kind,
        "subject_id": current.subject_id,
    }
