"""Whether a message is still right at the very moment of sending, and what it then says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.texts import Saying, render, until
from schemas.base import Mode
from schemas.notifications import Purpose
from schemas.volunteers import Language

SAFETY: frozenset[Purpose] = frozenset({"held", "aborted", "resumed"})
"""Told to all involved on every channel, past consent and opt-outs."""
WITH_LINK: frozenset[Purpose] = frozenset({"offer", "assigned", "held", "aborted", "resumed"})


@dataclass(frozen=True, slots=True)
class Facts:
    """One message and everything around it as it stands now; `asked` tells whether the offer had gone out."""

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

    @property
    def assigned(self) -> bool:
        """Tell whether the recipient still holds the seat that came of the offer."""
        return self.assignment_status not in (None, "released")


def why_not(facts: Facts, now: datetime) -> str | None:
    """Say why the message must not go out any more; None where it must."""
    if facts.address is None:
        return "no address"
    if facts.mode != "actual" and not facts.drills and facts.purpose not in SAFETY:
        return "not opted into drills"
    check = _CHECKS.get(facts.purpose)
    return check(facts, now) if check else None


def text_of(facts: Facts, link: str, now: datetime) -> str:
    """Write what the message says at this moment."""
    pending = zip(map(code, facts.pending_ids), facts.pending_titles, strict=True)
    return render(
        Saying(
            purpose=facts.purpose,
            language=facts.language,
            drill=facts.mode != "actual",
            title=facts.title or "",
            informs=facts.informs,
            crew=facts.crew,
            distance_m=facts.distance_m or 0,
            until=until(facts.expires_at, facts.zone, now) if facts.expires_at else "",
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
        )
    )


def _offer(facts: Facts, now: datetime) -> str | None:
    if facts.offer_status != "extended":
        return f"offer {facts.offer_status}"
    if facts.expires_at is None or facts.expires_at <= now:
        return "offer expired"
    if facts.incident_status != "open":
        return f"incident {facts.incident_status}"
    if facts.paused:
        return "offers are paused"
    if facts.gone:
        return "volunteer left"
    return None if facts.channel in facts.consent else "no consent"


def _assigned(facts: Facts, _now: datetime) -> str | None:
    # A notice is over once enough have read it, and the last of them is thanked like the others.
    return None if facts.assigned or facts.informs else "no longer assigned"


def _stand_down(facts: Facts, _now: datetime) -> str | None:
    if facts.assigned:
        return "assigned again"
    return None if facts.asked or facts.assignment_status == "released" else "the offer was never sent"


def _late(facts: Facts, _now: datetime) -> str | None:
    return "assigned after all" if facts.assigned else None


def _held(facts: Facts, _now: datetime) -> str | None:
    # A hold goes on while a human has the incident; anything else has lifted it, or said more.
    return None if facts.incident_status in ("held", "taken_over") else f"incident {facts.incident_status}"


def _resumed(facts: Facts, _now: datetime) -> str | None:
    if facts.incident_status not in ("open", "taken_over"):
        return f"incident {facts.incident_status}"
    return None if facts.assigned or facts.offer_status == "extended" else "no longer involved"


def _escalation(facts: Facts, _now: datetime) -> str | None:
    return None if facts.escalation_status == "raised" else f"escalation {facts.escalation_status}"


_CHECKS: dict[Purpose, Callable[[Facts, datetime], str | None]] = {
    "offer": _offer,
    "assigned": _assigned,
    "stand_down": _stand_down,
    "late": _late,
    "held": _held,
    "resumed": _resumed,
    "escalation": _escalation,
}
