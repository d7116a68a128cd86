"""Volunteers' answers, normalised: topic `volunteer.replies`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from schemas.base import Event, Operational, Public, Strict
from schemas.offers import Channel

Answer = Literal["accepted", "declined", "en_route", "on_scene", "released", "danger", "acknowledged"]


class AnswerBody(Strict):
    """The body of `POST /v1/offers/{id}/answer`."""

    answer: Public[Answer]


class ReplyReceived(Event):
    """One answer to one offer; a text that was sent with it is kept by reference only."""

    type: ClassVar[str] = "reply.received.v1"
    topic: ClassVar[str] = "volunteer.replies"

    reply_id: Operational[UUID]
    volunteer_id: Operational[UUID]
    offer_id: Operational[UUID]
    incident_id: Operational[UUID]
    answer: Public[Answer]
    channel: Public[Channel]
    received_at: Operational[AwareDatetime]
