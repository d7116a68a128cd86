"""The topics as declared data: key, partitions, retention, recovery and writers."""

from dataclasses import dataclass
from typing import Literal

from schemas.base import Event
from schemas.escalations import (
    EscalationAcknowledged,
    EscalationHandedOver,
    EscalationLapsed,
    EscalationRaised,
    EscalationResolved,
)
from schemas.incidents import (
    AskedMore,
    IncidentAborted,
    IncidentCancelled,
    IncidentClosed,
    IncidentConfirmed,
    IncidentCovered,
    IncidentEndMoved,
    IncidentGivenBack,
    IncidentHeld,
    IncidentOpened,
    IncidentOverdue,
    IncidentRescheduled,
    IncidentResumed,
    IncidentTakenOver,
    IncidentUncovered,
    IncidentUpdated,
    RecallAcknowledged,
    Referred,
    SeatsAdded,
    Shortfall,
    StepDone,
    StepSkipped,
    Widened,
)
from schemas.notifications import (
    MessageDelivered,
    MessageFailed,
    MessageQueued,
    MessageSent,
    MessageSkipped,
    Parked,
)
from schemas.offers import (
    ArrivalExpected,
    Assigned,
    DoubtCleared,
    Doubted,
    EnRoute,
    OfferAccepted,
    OfferAnsweredLate,
    OfferDeclined,
    OfferExpired,
    OfferExtended,
    OfferWaitlisted,
    OfferWithdrawn,
    OnScene,
    Released,
    Reminded,
    Reseated,
)
from schemas.replies import ReplyReceived
from schemas.reports import ReportReceived
from schemas.volunteers import AvailabilityChanged, PositionMoved, VolunteerLeft, VolunteerRegistered

DAY_MS = 86_400_000
HORIZON_DAYS = 7
"""How far back events are republished to a broker that lost its data. Topic retention <= horizon < inbox retention."""
INBOX_DAYS = 10


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; its consumers are declared in `dispatch.services.subscriptions`."""

    name: str
    key: str
    partitions: int
    models: tuple[type[Event], ...]
    writers: tuple[str, ...]
    recover: Literal["journal", "table", "none"] = "journal"
    retention_ms: int = HORIZON_DAYS * DAY_MS
    compact: bool = False


TOPICS: tuple[Topic, ...] = (
    Topic(
        "incident.reports", "source and the source's id", 12, (ReportReceived,),
        writers=("api", "outside"), recover="table",
    ),
    Topic(
        "incident.events", "incident", 12,
        (
            IncidentOpened, IncidentUpdated, IncidentRescheduled, IncidentConfirmed, IncidentHeld, IncidentResumed,
            IncidentAborted, IncidentTakenOver, IncidentGivenBack, IncidentCancelled, IncidentClosed,
            IncidentOverdue, IncidentEndMoved, IncidentCovered, IncidentUncovered, Shortfall, Widened, StepDone,
            StepSkipped, AskedMore, Referred,
            RecallAcknowledged, SeatsAdded,
        ),
        writers=("reports", "incidents", "replies", "agenda", "api"),
    ),
    Topic(
        "dispatch.offers", "incident", 12,
        (OfferExtended, OfferAccepted, OfferDeclined, OfferExpired, OfferWithdrawn, OfferAnsweredLate, OfferWaitlisted),
        writers=("incidents", "replies", "agenda", "api"),
    ),
    Topic(
        "dispatch.assignments", "incident", 12,
        (Assigned, Reseated, Doubted, DoubtCleared, ArrivalExpected, Reminded, EnRoute, OnScene, Released),
        writers=("replies", "agenda", "api"),
    ),
    Topic(
        "dispatch.escalations", "incident, report or system", 12,
        (EscalationRaised, EscalationAcknowledged, EscalationLapsed, EscalationResolved, EscalationHandedOver),
        writers=("reports", "incidents", "agenda", "api", "auditor"),
    ),
    Topic(
        "volunteer.replies", "incident", 12, (ReplyReceived,),
        writers=("api",), recover="table",
    ),
    Topic(
        "volunteer.updates", "volunteer", 3, (VolunteerRegistered, AvailabilityChanged, VolunteerLeft),
        writers=("api",), recover="table",
    ),
    Topic(
        "volunteer.positions", "volunteer", 24, (PositionMoved,),
        writers=("outside",), recover="none", retention_ms=3_600_000, compact=True,
    ),
    Topic(
        "notification.events", "recipient", 12,
        (MessageQueued, MessageSent, MessageDelivered, MessageFailed, MessageSkipped),
        writers=("notifications", "api"), recover="table",
    ),
    Topic("parking", "source topic", 3, (Parked,), writers=("reports", "incidents", "replies"), recover="table"),
)  # fmt: skip

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
MODELS: dict[str, type[Event]] = {model.type: model for topic in TOPICS for model in topic.models}
