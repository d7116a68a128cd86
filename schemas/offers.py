"""Offers and the assignments that come of them: topics `dispatch.offers` and `dispatch.assignments`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from schemas.base import Operational, Public, Slug
from schemas.incidents import IncidentEvent

Channel = Literal["sms", "voice", "push", "email", "page", "api"]
WithdrawnReason = Literal[
    "covered", "held", "aborted", "taken_over", "closed", "cancelled", "hazard", "left", "engaged"
]
ReleasedReason = Literal[
    "done", "withdrew", "stood_down", "aborted", "closed", "cancelled", "overlap", "left"
]


class OfferEvent(IncidentEvent):
    """Something that happened to one offer."""

    topic: ClassVar[str] = "dispatch.offers"

    offer_id: Operational[UUID]
    volunteer_id: Operational[UUID]


class OfferExtended(OfferEvent):
    """A volunteer is asked to fill a seat of `role`."""

    type: ClassVar[str] = "offer.extended.v1"

    role: Public[Slug]
    expires_at: Operational[AwareDatetime]
    distance_m: Operational[int]
    round_id: Operational[UUID]


class OfferAnswered(OfferEvent):
    """An answer, with when it was received and over what."""

    received_at: Operational[AwareDatetime]
    channel: Public[Channel]


class OfferAccepted(OfferAnswered):
    """The volunteer comes."""

    type: ClassVar[str] = "offer.accepted.v1"


class OfferDeclined(OfferAnswered):
    """The volunteer does not come."""

    type: ClassVar[str] = "offer.declined.v1"


class OfferAnsweredLate(OfferAnswered):
    """A yes after the window: seated, kept in reserve, or thanked."""

    type: ClassVar[str] = "offer.answered_late.v1"

    outcome: Public[Literal["seated", "reserve", "thanked"]]


class OfferExpired(OfferEvent):
    """Nobody answered within the window."""

    type: ClassVar[str] = "offer.expired.v1"


class OfferWithdrawn(OfferEvent):
    """The offer no longer stands; who was asked is told."""

    type: ClassVar[str] = "offer.withdrawn.v1"

    reason: Public[WithdrawnReason]


class AssignmentEvent(IncidentEvent):
    """Something that happened to one assignment."""

    topic: ClassVar[str] = "dispatch.assignments"

    assignment_id: Operational[UUID]
    offer_id: Operational[UUID]
    volunteer_id: Operational[UUID]


class Assigned(AssignmentEvent):
    """An accepted offer fills a seat."""

    type: ClassVar[str] = "assignment.assigned.v1"

    seat: Operational[int]
    role: Public[Slug]
    reserve: Public[bool] = False


class EnRoute(AssignmentEvent):
    """The responder is on the way."""

    type: ClassVar[str] = "assignment.en_route.v1"


class OnScene(AssignmentEvent):
    """The responder is there."""

    type: ClassVar[str] = "assignment.on_scene.v1"


class Released(AssignmentEvent):
    """The responder is free again; the seat is empty again unless the work is done."""

    type: ClassVar[str] = "assignment.released.v1"

    reason: Public[ReleasedReason]
