"""All transitions: the status that follows each status and event. Any other is refused."""

from collections.abc import Mapping

from dispatch.domain.errors import RefusedError
from schemas.base import Event
from schemas.escalations import (
    EscalationAcknowledged,
    EscalationHandedOver,
    EscalationLapsed,
    EscalationRaised,
    EscalationResolved,
)
from schemas.incidents import (
    IncidentAborted,
    IncidentCancelled,
    IncidentClosed,
    IncidentGivenBack,
    IncidentHeld,
    IncidentResumed,
    IncidentTakenOver,
    SeatsAdded,
)
from schemas.offers import (
    DoubtCleared,
    Doubted,
    EnRoute,
    OfferAccepted,
    OfferAnsweredLate,
    OfferDeclined,
    OfferExpired,
    OfferWaitlisted,
    OfferWithdrawn,
    OnScene,
    Released,
    Reminded,
    Reseated,
)

Table = Mapping[tuple[str, type[Event]], str]

INCIDENT: Table = {
    # More people are asked for where Renfort asks.
    ("open", SeatsAdded): "open",
    ("held", SeatsAdded): "held",
    ("open", IncidentHeld): "held",
    ("taken_over", IncidentHeld): "held",
    ("held", IncidentResumed): "open",
    ("open", IncidentTakenOver): "taken_over",
    ("held", IncidentTakenOver): "taken_over",
    ("taken_over", IncidentTakenOver): "taken_over",
    ("taken_over", IncidentGivenBack): "open",
    ("open", IncidentAborted): "aborted",
    ("held", IncidentAborted): "aborted",
    ("taken_over", IncidentAborted): "aborted",
    ("open", IncidentClosed): "closed",
    ("held", IncidentClosed): "closed",
    ("taken_over", IncidentClosed): "closed",
    ("aborted", IncidentClosed): "closed",
    ("open", IncidentCancelled): "cancelled",
    ("held", IncidentCancelled): "cancelled",
    ("taken_over", IncidentCancelled): "cancelled",
}

OFFER: Table = {
    ("extended", OfferAccepted): "accepted",
    ("extended", OfferDeclined): "declined",
    ("extended", OfferExpired): "expired",
    ("extended", OfferWithdrawn): "withdrawn",
    # A late yes that finds a free seat is seated.
    ("expired", OfferAccepted): "accepted",
    ("withdrawn", OfferAccepted): "accepted",
    ("declined", OfferAccepted): "accepted",
    ("expired", OfferDeclined): "declined",
    # A yes from a volunteer who had withdrawn from the seat, or was released with the work done.
    ("accepted", OfferAnsweredLate): "accepted",
    ("expired", OfferAnsweredLate): "expired",
    ("withdrawn", OfferAnsweredLate): "withdrawn",
    ("declined", OfferAnsweredLate): "declined",
    # A yes to a broadcast whose seats are taken; whoever waits is seated, asked anew, or leaves the list.
    ("extended", OfferWaitlisted): "waitlisted",
    ("expired", OfferWaitlisted): "waitlisted",
    ("withdrawn", OfferWaitlisted): "waitlisted",
    ("declined", OfferWaitlisted): "waitlisted",
    ("waitlisted", OfferAccepted): "accepted",
    ("waitlisted", OfferDeclined): "declined",
    ("waitlisted", OfferWithdrawn): "withdrawn",
}

ASSIGNMENT: Table = {
    # A doubtful answer, its confirmation and a reminder leave the status as it is.
    ("assigned", Doubted): "assigned",
    ("en_route", Doubted): "en_route",
    ("assigned", DoubtCleared): "assigned",
    ("en_route", DoubtCleared): "en_route",
    ("assigned", Reminded): "assigned",
    ("en_route", Reminded): "en_route",
    # Somebody who is late is in reserve, and has the seat again when they leave.
    ("assigned", Reseated): "assigned",
    ("en_route", Reseated): "en_route",
    ("assigned", EnRoute): "en_route",
    ("assigned", OnScene): "on_scene",
    ("en_route", OnScene): "on_scene",
    ("assigned", Released): "released",
    ("en_route", Released): "released",
    ("on_scene", Released): "released",
}

ESCALATION: Table = {
    ("raised", EscalationRaised): "raised",
    ("acknowledged", EscalationRaised): "raised",
    ("raised", EscalationAcknowledged): "acknowledged",
    ("acknowledged", EscalationAcknowledged): "acknowledged",
    ("acknowledged", EscalationLapsed): "raised",
    ("raised", EscalationResolved): "resolved",
    ("acknowledged", EscalationResolved): "resolved",
    ("raised", EscalationHandedOver): "handed_over",
    ("acknowledged", EscalationHandedOver): "handed_over",
}


def follow(table: Table, status: str, event: type[Event]) -> str:
    """Return the status that follows; raises RefusedError where the table has none."""
    after = table.get((status, event))
    if after is None:
        msg = f"{event.type} cannot follow status {status}"
        raise RefusedError(msg)
    return after


def may(table: Table, status: str, event: type[Event]) -> bool:
    """Return whether the event may follow the status."""
    return (status, event) in table
