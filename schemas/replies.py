"""Volunteers' answers, normalised: topic `volunteer.replies`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Event, Operational, Public, Slug, Strict
from schemas.offers import Channel

DOUBTFUL = "doubtful"
"""The reason of a no that was read from the halves of a text, and asks for a confirmation."""
Answer = Literal[
    "accepted", "declined", "en_route", "on_scene", "released", "danger", "acknowledged", "not_yet"
]
"""`not_yet`: the mission is not over, though its time is."""


class AnswerBody(Strict):
    """The body of `POST /v1/offers/{id}/answer`; `eta_minutes` is how long the volunteer needs to arrive."""

    answer: Public[Answer]
    eta_minutes: Public[int | None] = Field(default=None, ge=1, le=7 * 24 * 60)


class ReplyReceived(Event):
    """One answer to one offer; the text of the message, if any, is stored elsewhere.

    `eta_at` is when the volunteer expects to arrive, where they said so. `reason` is a code for a no: `doubtful` where
    it was read from the halves of a text. `sent_at` is the sending time that the gateway reports. For later releases,
    null until then: `party` how many people come, `by` who answered for the volunteer.
    """

    type: ClassVar[str] = "reply.received.v2"
    topic: ClassVar[str] = "volunteer.replies"

    reply_id: Operational[UUID]
    volunteer_id: Operational[UUID]
    offer_id: Operational[UUID]
    incident_id: Operational[UUID]
    answer: Public[Answer]
    channel: Public[Channel]
    received_at: Operational[AwareDatetime]
    eta_at: Operational[AwareDatetime | None] = None
    party: Operational[int | None] = Field(default=None, ge=1, le=100)
    reason: Operational[Slug | None] = None
    by: Operational[str | None] = None
    sent_at: Operational[AwareDatetime | None] = None
