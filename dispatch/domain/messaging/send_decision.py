"""Whether a message may still be sent at the moment of sending, and its text at that moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import TypeAdapter

from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.gsm import fold
from dispatch.domain.messaging.page_texts import PageFacts
from dispatch.domain.messaging.texts import TextFacts, render, until
from dispatch.domain.scheduling.timing import quiet_hours, resumes_at
from dispatch.domain.scheduling.windows import in_words
from schemas.base import Lane, Mode, Window
from schemas.notifications import Purpose
from schemas.plans import Quiet
from schemas.volunteers import Language

SAFETY: frozenset[Purpose] = frozenset({"held", "aborted", "resumed"})
"""Sent to everybody involved on every channel, past consent and opt-outs."""
WITH_LINK: frozenset[Purpose] = frozenset(
    {"offer", "assigned", "doubted", "moved", "reminder", "overdue", "reseated", "held", "aborted", "resumed"}
)

CAN_WAIT: frozenset[Purpose] = frozenset({"offer", "stand_down", "late", "waitlisted", "reminder", "moved"})
"""Not sent in the quiet hours of a planned mission, unless it is life-threatening; the others keep people safe, or
answer somebody who is awake."""
ON_THE_WAY = timedelta(hours=1)
"""How long before the start people may set out."""
PAUSED = "offers are paused"


@dataclass(frozen=True, slots=True)
class Facts:
    """One message and its surroundings as they are now; `asked` is whether the offer had been sent.

    `page` is null but for messages to duty contacts.
    """

    id: UUID
    organisation: UUID
    mode: Mode
    status: str
    purpose: Purpose
    channel: str
    recall: bool
    severity: int
    attempts: int
    recipient_kind: Literal["volunteer", "duty"]
    recipient_id: UUID
    offer_id: UUID | None
    address: str | None
    language: Language
    consent: Sequence[str]
    drills: bool
    gone: bool
    paused: bool
    zone: str
    incident_status: str | None
    title: str | None
    informs: bool
    crew: bool
    offer_status: str | None
    expires_at: datetime | None
    distance_m: int | None
    late: str | None
    assignment_status: str | None
    reserve: bool
    asked: bool
    escalation_status: str | None
    reason: str | None
    detail: str | None
    level: int | None
    generation: int
    pending_ids: Sequence[UUID]
    pending_titles: Sequence[str]
    page: PageFacts | None = None
    pending_seated: bool = False
    unseen_ids: Sequence[UUID] = ()
    unseen_titles: Sequence[str] = ()
    late_arrival: bool = False
    organisation_name: str = ""
    place: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    lane: Lane | None = None
    quiet: object = None
    quiet_zone: str | None = None
    outcome: str | None = None
    muster: str | None = None
    clash: str | None = None

    @property
    def assigned(self) -> bool:
        """Return whether the recipient still holds the seat that the offer led to."""
        return self.assignment_status not in (None, "released")


def why_not(facts: Facts, now: datetime) -> str | None:
    """Return why the message must not be sent any more; None where it must be sent."""
    if facts.address is None:
        return "no address"
    if facts.mode != "actual" and not facts.drills and facts.purpose not in SAFETY:
        return "not opted into drills"
    check = _CHECKS.get(facts.purpose)
    return check(facts, now) if check else None


def held_until(facts: Facts, now: datetime) -> datetime | None:
    """Return the end of the quiet hours for which a message waits; null where it may be sent now.

    A stand-down or another time that would come too late, when somebody has set out, does not wait.
    """
    if facts.purpose not in CAN_WAIT or facts.quiet_zone is None or facts.lane is None or facts.severity == 0:
        return None
    hours = quiet_hours(facts.lane, _QUIET.validate_python(facts.quiet))
    until = resumes_at(hours, facts.quiet_zone, now) if hours else now
    too_late = facts.starts_at is not None and facts.starts_at <= until + ON_THE_WAY
    return None if until == now or (too_late and facts.purpose in ("stand_down", "moved")) else until


def text_of(facts: Facts, link: str, now: datetime) -> str:
    """Write the text of the message at this moment; for SMS in seven-bit letters where its script allows it."""
    pending = zip(map(code, facts.pending_ids), facts.pending_titles, strict=True)
    unseen = zip(map(code, facts.unseen_ids), facts.unseen_titles, strict=True)
    text = render(
        TextFacts(
            purpose=facts.purpose,
            language=facts.language,
            drill=facts.mode != "actual",
            title=_title(facts, now),
            informs=facts.informs,
            crew=facts.crew,
            distance_m=facts.distance_m or 0,
            until=until(facts.expires_at, facts.zone, now, facts.language) if facts.expires_at else "",
            code=code(facts.offer_id) if facts.offer_id else "",
            link=link,
            held=facts.incident_status == "held",
            assigned=facts.assigned,
            reserve=facts.reserve,
            late=facts.late is not None,
            reason=facts.reason or "",
            detail=facts.detail or "",
            level=facts.level or 0,
            pending=tuple(pending),
            page=facts.page,
            pending_seated=facts.pending_seated,
            unseen=tuple(unseen),
            forwarded=facts.purpose == "ask_back" and facts.offer_id is not None,
            late_arrival=facts.late_arrival,
            organisation=facts.organisation_name,
            clash=facts.clash or "",
            place=facts.place or 0,
            outcome=_outcome(facts),
            muster=facts.muster or "",
        )
    )
    return fold(text) if facts.channel == "sms" else text


def _title(facts: Facts, now: datetime) -> str:
    """Return what a volunteer is asked for, and when where not now."""
    if facts.page is not None or facts.starts_at is None or facts.ends_at is None:
        return facts.title or ""
    window = Window(starts_at=facts.starts_at, ends_at=facts.ends_at)
    return f"{facts.title}, {in_words(window, facts.zone, now, facts.language)}"


def _outcome(facts: Facts) -> str:
    """Return how the incident ended; that nobody reported on a mission does not concern those who had no part in it."""
    apart = facts.outcome == "unreported" and facts.assignment_status is None
    return "" if apart else facts.outcome or ""


def _offer(facts: Facts, now: datetime) -> str | None:
    if facts.offer_status != "extended":
        return f"offer {facts.offer_status}"
    if facts.expires_at is None or facts.expires_at <= now:
        return "offer expired"
    if facts.incident_status != "open":
        return f"incident {facts.incident_status}"
    if facts.paused:
        return PAUSED
    if facts.gone:
        return "volunteer left"
    return None if facts.channel in facts.consent else "no consent"


def _assigned(facts: Facts, _now: datetime) -> str | None:
    # A watch notice ends once enough people have read it, and the last of them is thanked like the others.
    return None if facts.assigned or facts.informs else "no longer assigned"


def _doubted(facts: Facts, _now: datetime) -> str | None:
    return None if facts.assigned else "no longer assigned"


def _overdue(facts: Facts, _now: datetime) -> str | None:
    if facts.incident_status != "open":
        return f"incident {facts.incident_status}"
    return None if facts.assigned else "no longer assigned"


def _reminder(facts: Facts, now: datetime) -> str | None:
    if facts.starts_at is None or facts.starts_at <= now:
        return "the mission has begun"
    return None if facts.assigned else "no longer assigned"


def _reseated(facts: Facts, _now: datetime) -> str | None:
    if facts.incident_status != "open" or not facts.assigned:
        return "no longer awaited"
    return None if facts.late_arrival else "has a seat again"


def _stand_down(facts: Facts, _now: datetime) -> str | None:
    if facts.assigned:
        return "assigned again"
    return None if facts.asked or facts.assignment_status == "released" else "the offer was never sent"


def _late(facts: Facts, _now: datetime) -> str | None:
    return "assigned after all" if facts.assigned else None


def _waitlisted(facts: Facts, _now: datetime) -> str | None:
    return None if facts.offer_status == "waitlisted" else "no longer waiting"


def _held(facts: Facts, _now: datetime) -> str | None:
    # A hold goes on while a supervisor has taken over; any other status has lifted it, or was notified by itself.
    return None if facts.incident_status in ("held", "taken_over") else f"incident {facts.incident_status}"


def _resumed(facts: Facts, _now: datetime) -> str | None:
    if facts.incident_status not in ("open", "taken_over"):
        return f"incident {facts.incident_status}"
    return None if facts.assigned or facts.offer_status == "extended" else "no longer involved"


def _escalation(facts: Facts, _now: datetime) -> str | None:
    return None if facts.escalation_status == "raised" else f"escalation {facts.escalation_status}"


_QUIET: TypeAdapter[Quiet | None] = TypeAdapter(Quiet | None)
_CHECKS: dict[Purpose, Callable[[Facts, datetime], str | None]] = {
    "offer": _offer,
    "assigned": _assigned,
    "doubted": _doubted,
    "moved": _doubted,
    "reminder": _reminder,
    "overdue": _overdue,
    "reseated": _reseated,
    "stand_down": _stand_down,
    "late": _late,
    "waitlisted": _waitlisted,
    "held": _held,
    "resumed": _resumed,
    "escalation": _escalation,
}
