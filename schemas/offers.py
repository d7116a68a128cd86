"""Events of offers and of assignments: topics `dispatch.offers` and `dispatch.assignments`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from schemas import base
from schemas.base import MusterName, Operational, Public, Slug
from schemas.incidents import IncidentEvent

Channel = base.Channel
WithdrawnReason = Literal[
    "covered",
    "held",
    "aborted",
    "taken_over",
    "closed",
    "cancelled",
    "hazard",
    "left",
    "engaged",
    "unsent",
    "unreached",
    "asked_again",
]
"""Why an offer is no longer valid. `unsent`: nothing was passed to a gateway in time; `unreached`: no channel delivers;
`asked_again`: somebody on the waiting list has a new offer. These are written only where every reader is of
generation 2."""
Missed = Literal["unsent", "unreached"]
"""The reasons for which the volunteer got nothing: such an offer does not count as made."""
ReleasedReason = Literal[
    "done", "withdrew", "stood_down", "aborted", "closed", "cancelled", "overlap", "left"
]


class OfferEvent(IncidentEvent):
    """An event of one offer."""

    topic: ClassVar[str] = "dispatch.offers"

    offer_id: Operational[UUID]
    volunteer_id: Operational[UUID]


class OfferExtended(OfferEvent):
    """A volunteer is asked to fill a seat of `role`; `muster` is the point to come to, null for the scene."""

    type: ClassVar[str] = "offer.extended.v2"

    role: Public[Slug]
    expires_at: Operational[AwareDatetime]
    distance_m: Operational[int]
    round_id: Operational[UUID]
    muster: Operational[MusterName | None] = None


class OfferAnswered(OfferEvent):
    """An answer to an offer, with the time and the channel of its receipt."""

    received_at: Operational[AwareDatetime]
    channel: Public[Channel]


class OfferAccepted(OfferAnswered):
    """The volunteer accepted the offer."""

    type: ClassVar[str] = "offer.accepted.v1"


class OfferDeclined(OfferAnswered):
    """The volunteer declined the offer."""

    type: ClassVar[str] = "offer.declined.v1"


class OfferAnsweredLate(OfferAnswered):
    """A yes after the offer expired: the volunteer is seated, put in reserve, or thanked."""

    type: ClassVar[str] = "offer.answered_late.v1"

    outcome: Public[Literal["seated", "reserve", "thanked"]]


class OfferWaitlisted(OfferAnswered):
    """A yes for which no seat is left: the volunteer waits, in the order of `received_at`, as number `place` now."""

    type: ClassVar[str] = "offer.waitlisted.v1"

    place: Operational[int]


class OfferExpired(OfferEvent):
    """The volunteer did not answer in time."""

    type: ClassVar[str] = "offer.expired.v1"


class OfferWithdrawn(OfferEvent):
    """The offer is no longer valid; a volunteer who was asked is notified."""

    type: ClassVar[str] = "offer.withdrawn.v1"

    reason: Public[WithdrawnReason]


class AssignmentEvent(IncidentEvent):
    """An event of one assignment."""

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


class Reminded(AssignmentEvent):
    """The responder is reminded of a mission whose window comes near."""

    type: ClassVar[str] = "assignment.reminded.v1"


class ArrivalExpected(AssignmentEvent):
    """The responder said when they arrive; from then on they hold `seat`, one in reserve where that is too late."""

    type: ClassVar[str] = "assignment.arrival_expected.v1"

    eta_at: Operational[AwareDatetime]
    seat: Operational[int]
    reserve: Public[bool] = False


class Reseated(AssignmentEvent):
    """The responder holds another seat: one in reserve, since they did not leave or arrive in time, or a needed one."""

    type: ClassVar[str] = "assignment.reseated.v1"

    seat: Operational[int]
    reserve: Public[bool] = False


class EnRoute(AssignmentEvent):
    """The responder is on the way."""

    type: ClassVar[str] = "assignment.en_route.v1"


class OnScene(AssignmentEvent):
    """The responder is on scene."""

    type: ClassVar[str] = "assignment.on_scene.v1"


class Doubted(AssignmentEvent):
    """The responder's texts, read together, may mean no: the seat is held until `until` for a clear yes.

    Where `moved`, it was clear, but the window is another one since.
    """

    type: ClassVar[str] = "assignment.doubted.v1"

    until: Operational[AwareDatetime]
    moved: Public[bool] = False


class DoubtCleared(AssignmentEvent):
    """The responder whose answer was in doubt has said clearly that they come."""

    type: ClassVar[str] = "assignment.doubt_cleared.v1"


class Released(AssignmentEvent):
    """The responder is released; the seat is empty again unless the task is done."""

    type: ClassVar[str] = "assignment.released.v1"

    reason: Public[ReleasedReason]
