"""Commands to an incident."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, field

from dispatch.domain.places.service_area import Mistake
from schemas.base import Hazard, Position, Severity, Window
from schemas.incidents import Outcome
from schemas.offers import Channel, Missed
from schemas.replies import Answer
from schemas.reports import Professional


class Tick(Struct, frozen=True):
    """Do what is due, except against a volunteer whose answer was received and is not processed yet.

    `missed` are the due offers that reached nobody: they are withdrawn instead of expired. `engaged` are those on the
    waiting list who are assigned elsewhere in the lane; without `seats` nobody is seated from it.
    """

    being_answered: frozenset[UUID] = frozenset()
    missed: Mapping[UUID, Missed] = field(default_factory=dict)
    engaged: frozenset[UUID] = frozenset()
    seats: bool = True


class Pick(Struct, frozen=True):
    """A volunteer locked for one role; `muster` is the station of which they are a member, where stations are asked."""

    volunteer_id: UUID
    role: str
    distance_m: int
    muster: str | None = None


class Consider(Struct, frozen=True):
    """Extend offers to the picks; `contended` where another transaction held some of the volunteers.

    `unsendable` where others near by were left out because nothing can be sent to them now.
    """

    round_id: UUID
    picks: tuple[Pick, ...]
    shut: dict[str, int] = field(default_factory=dict)
    contended: bool = False
    unsendable: bool = False


class AnswerOffer(Struct, frozen=True):
    """Apply a volunteer's answer to one offer; `engaged` where another incident has the person assigned in the lane.

    `overtaken_by` are the answers to the same offer that were given later and are applied already. `sent_at` is the
    sending time that the gateway reports; `reason` is a code for a no; `eta_at` is when the volunteer arrives. With
    `waits`, a yes to a broadcast whose seats are taken is put on the waiting list. `apart` are those whom the volunteer
    must not meet.
    """

    offer_id: UUID
    volunteer_id: UUID
    answer: Answer
    channel: Channel
    received_at: datetime
    engaged: bool = False
    overtaken_by: frozenset[Answer] = frozenset()
    sent_at: datetime | None = None
    reason: str | None = None
    eta_at: datetime | None = None
    waits: bool = True
    apart: frozenset[UUID] = frozenset()


Action = Literal[
    "confirm", "hold", "resume", "abort", "takeover", "give-back", "close", "cancel", "escalate", "reinforce"
]


class Act(Struct, frozen=True):
    """Do what a named supervisor ordered.

    `channel` is how a takeover was ordered, null for the console; `outcome` is how an incident that is closed ended;
    `role` and `count` are the seats to add, of the act `reinforce`.
    """

    action: Action
    by: str
    reason: str = ""
    channel: Channel | None = None
    outcome: Outcome | None = None
    role: str = ""
    count: int = 0


class Acknowledge(Struct, frozen=True):
    """Record that a named supervisor has seen one escalation; `channel` is null for the console."""

    escalation_id: UUID
    by: str
    channel: Channel | None = None


class Update(Struct, frozen=True):
    """Apply what the source added; `trusted` where the plan trusts it.

    `dropped` names what was not read, `mistake` is one in the position that the source sent.
    """

    report_id: UUID
    severity: Severity | None
    position: Position | None
    hazards: tuple[Hazard, ...]
    professional: Professional | None
    trusted: bool
    dropped: tuple[str, ...] = ()
    mistake: Mistake | None = None
    window: Window | None = None


class Free(Struct, frozen=True):
    """Withdraw the offers of a volunteer who is needed elsewhere or has left, and release the seat where needed."""

    volunteer_id: UUID
    reason: Literal["overlap", "left"]


class Unreached(Struct, frozen=True):
    """Withdraw an offer that reached nobody, unless its answer was received and is not processed yet.

    Where `many` of the incident's were withdrawn just before, escalate instead: a gateway that fails every message
    must not use up the roster.
    """

    offer_id: UUID
    reason: Missed = "unreached"
    many: bool = False
    being_answered: bool = False


class ForwardText(Struct, frozen=True):
    """Tell a supervisor that a responder wrote what is not understood; `page` where they may be out there."""

    text_id: UUID
    page: bool


Command = Tick | Consider | AnswerOffer | Act | Acknowledge | Update | Free | Unreached | ForwardText
