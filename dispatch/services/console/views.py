"""The parts of an incident as responses contain them: the fields are an interface, and change with its version.

`volunteer_id` is that of the membership at the time `since`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from dispatch.domain.incident import AssignmentStatus, EscalationStatus, OfferStatus
from schemas.escalations import SubjectKind
from schemas.offers import Channel, Missed


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer to one volunteer; `late` is the outcome of a yes after it expired, `missed` why nothing reached them.

    `waiting_since` is when a yes was received for which no seat was left, `waiting_by` its channel; `muster` names the
    point to come to, null for the scene.
    """

    id: UUID
    volunteer_id: UUID
    role: str
    status: OfferStatus
    extended_at: datetime
    expires_at: datetime
    distance_m: int
    round_id: UUID
    settled_at: datetime | None = None
    late: str | None = None
    missed: Missed | None = None
    waiting_since: datetime | None = None
    waiting_by: Channel | None = None
    muster: str | None = None

    @property
    def since(self) -> datetime:
        """Return when the volunteer was asked."""
        return self.extended_at


@dataclass(frozen=True, slots=True)
class Assignment:
    """An accepted offer in its seat.

    `doubted_until` is when a doubtful answer counts as a no, `eta_at` when the responder said that they arrive,
    `reserved_at` since when they are in reserve because they did not leave or arrive in time. From `busy_from` to
    `busy_until` they can be assigned to no other planned mission; an end that is null is open.
    """

    id: UUID
    offer_id: UUID
    volunteer_id: UUID
    seat: int
    status: AssignmentStatus
    assigned_at: datetime
    en_route_at: datetime | None = None
    on_scene_at: datetime | None = None
    released_at: datetime | None = None
    reason: str | None = None
    doubted_until: datetime | None = None
    eta_at: datetime | None = None
    reserved_at: datetime | None = None
    busy_from: datetime | None = None
    busy_until: datetime | None = None
    reminded_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """Return when the volunteer was assigned."""
        return self.assigned_at


@dataclass(frozen=True, slots=True)
class ResponderText:
    """A text that a volunteer sent about the incident, and what became of it."""

    id: UUID
    volunteer_id: UUID
    received_at: datetime
    text: str
    outcome: str

    @property
    def since(self) -> datetime:
        """Return when the text was received."""
        return self.received_at


@dataclass(frozen=True, slots=True)
class Recall:
    """A volunteer with a recall, to wait or not to approach, and the time of its acknowledgement."""

    volunteer_id: UUID
    kind: Literal["held", "aborted"]
    at: datetime
    acknowledged_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """Return when the volunteer was recalled."""
        return self.at


@dataclass(frozen=True, slots=True)
class Escalation:
    """Something that a supervisor has to handle; `turn` counts the duty contacts who were notified."""

    id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    reason: str
    detail: str
    level: int
    page: bool
    turn: int
    status: EscalationStatus
    raised_at: datetime
    told_at: datetime
    acknowledged_by: str | None = None
    lapses_at: datetime | None = None
