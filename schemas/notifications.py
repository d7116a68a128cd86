"""Events of messages (topic `notification.events`) and of parked records (topic `parking`)."""

from typing import ClassVar, Literal
from uuid import UUID

from schemas.base import Event, Operational, Public
from schemas.offers import Channel

Purpose = Literal[
    "offer",
    "assigned",
    "stand_down",
    "held",
    "aborted",
    "resumed",
    "late",
    "escalation",
    "escalation_status",
    "ask_back",
    "stopped",
    "started",
    "doubted",
    "waitlisted",
    "overdue",
    "reminder",
    "moved",
    "reseated",
]


class MessageEvent(Event):
    """An event of one message; `recipient_id` is the pseudonym of a volunteer or of a duty contact."""

    topic: ClassVar[str] = "notification.events"

    message_id: Operational[UUID]
    recipient_id: Operational[UUID]
    incident_id: Operational[UUID | None] = None
    purpose: Public[Purpose]
    channel: Public[Channel]
    reason: Public[str] = ""


class MessageQueued(MessageEvent):
    """The message is to be sent."""

    type: ClassVar[str] = "message.queued.v1"


class MessageSent(MessageEvent):
    """The gateway accepted the message."""

    type: ClassVar[str] = "message.sent.v1"


class MessageDelivered(MessageEvent):
    """The gateway reported that the phone received the message."""

    type: ClassVar[str] = "message.delivered.v1"


class MessageFailed(MessageEvent):
    """The message will not arrive."""

    type: ClassVar[str] = "message.failed.v1"


class MessageSkipped(MessageEvent):
    """The message was not sent: its reason no longer held, or the text of another page tells of it."""

    type: ClassVar[str] = "message.skipped.v1"


class Parked(Event):
    """A record could not be handled; its bytes stay in Postgres under `parking_id`."""

    type: ClassVar[str] = "parking.parked.v1"
    topic: ClassVar[str] = "parking"

    parking_id: Operational[UUID]
    source_topic: Public[str]
    reason: Public[str]
    size: Operational[int]
