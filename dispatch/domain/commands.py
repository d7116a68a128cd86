"""What may be asked of an incident: imperative values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from schemas.base import Hazard, Position, Severity
from schemas.offers import Channel
from schemas.replies import Answer
from schemas.reports import Professional


@dataclass(frozen=True, slots=True)
class Tick:
    """Do what is due, but let no offer expire while an answer to it is being worked."""

    being_answered: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Pick:
    """A claimed volunteer for one role."""

    volunteer_id: UUID
    role: str
    distance_m: int


@dataclass(frozen=True, slots=True)
class Consider:
    """Offer to those who were claimed; `contended` when others held some of them for a moment."""

    round_id: UUID
    picks: tuple[Pick, ...]
    shut: dict[str, int] = field(default_factory=dict)
    contended: bool = False


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """A volunteer's answer to one offer; `engaged` when the person is already bound elsewhere in the lane."""

    offer_id: UUID
    volunteer_id: UUID
    answer: Answer
    channel: Channel
    received_at: datetime
    engaged: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What a named supervisor does to the incident."""

    what: Literal[
        "confirm", "hold", "resume", "abort", "takeover", "give-back", "close", "cancel", "escalate"
    ]
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A named supervisor has seen one escalation."""

    escalation_id: UUID
    by: str


@dataclass(frozen=True, slots=True)
class Update:
    """The source said more; `trusted` when the plan trusts it."""

    report_id: UUID
    severity: Severity | None
    position: Position | None
    hazards: tuple[Hazard, ...]
    professional: Professional | None
    trusted: bool


@dataclass(frozen=True, slots=True)
class Free:
    """A volunteer is needed elsewhere, or has left: give back the seat and any offer held."""

    volunteer_id: UUID
    why: Literal["overlap", "left"]


Command = Tick | Consider | AnswerOffer | Act | Acknowledge | Update | Free
