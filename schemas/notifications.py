"""What became of each message (`notification.events`) and of what could not be understood (`parking`)."""

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
    "ask_back",
    "stopped",
]


class MessageEvent(Event):
    """Something that happened to one message; `recipient_id` is a volunteer's or a duty contact's pseudonym."""

    topic: ClassVar[str] = "notification.events"

    message_id: Operational[UUID]
    recipient_id: Operational[UUID]
    incident_id: Operational[UUID | None] = None
    purpose: Public[Purpose]
    channel: Public[Channel]
    reason: Public[str] = ""


class MessageQueued(MessageEvent):
    """To be sent."""

    type: ClassVar[str] = "message.queued.v1"


class MessageSent(MessageEvent):
    """The gateway took it."""

    type: ClassVar[str] = "message.sent.v1"


class MessageDelivered(MessageEvent):
    """The gateway says that the phone has it."""

    type: ClassVar[str] = "message.delivered.v1"


class MessageFailed(MessageEvent):
    """It will not arrive."""

    type: ClassVar[str] = "message.failed.v1"


class MessageSkipped(MessageEvent):
    """It was no longer right to send it."""

    type: ClassVar[str] = "message.skipped.v1"


class Parked(Event):
    """Something could not be understood; its bytes stay in Postgres under `parking_id`."""

    type: ClassVar[str] = "parking.parked.v1"
    topic: ClassVar[str] = "parking"

    parking_id: Operational[UUID]
    source_topic: Public[str]
    reason: Public[str]
    size: Operational[int]
