"""Answers to people's own texts, on the channel on which they came in; questions back a few times at most."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.messaging.binding import Candidate
from dispatch.services.messaging import composing
from dispatch.services.messaging.composing import Notice
from dispatch.storage.queries import sql
from schemas.base import Mode
from schemas.notifications import Purpose
from schemas.offers import Channel

ASK_BACKS = 3
ASK_BACKS_WITHIN = timedelta(minutes=10)
"""An answering machine must not be asked for ever."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AnswerToText:
    """What a volunteer's own text is answered with, on the channel on which it came in.

    `about` is the offer of the incident whose supervisors got the words, where they did.
    """

    purpose: Purpose
    organisation: UUID
    volunteer_id: UUID
    inbound_id: UUID
    channel: Channel
    about: Candidate | None = None


@dataclass(frozen=True, slots=True)
class AnswerToContact:
    """What the text of a duty contact is answered with, on the channel on which it came in.

    `escalation_id` and `incident_id` are those that the answer is about.
    """

    purpose: Purpose
    organisation: UUID
    contact_id: UUID
    inbound_id: UUID
    channel: Channel
    mode: Mode = "actual"
    escalation_id: UUID | None = None
    incident_id: UUID | None = None


async def answer_text(connection: asyncpg.Connection, answer: AnswerToText, now: datetime) -> None:
    """Queue the answer to a text: the confirmation of STOP or START, or, a few times, a question or "passed on"."""
    forwarded = answer.about is not None
    if answer.purpose == "ask_back" and await _asked_back_enough(
        connection, answer.volunteer_id, now, forwarded=forwarded
    ):
        return
    notice = Notice(
        answer.organisation, "actual", answer.purpose, answer.volunteer_id, answer.inbound_id, 0,
        channel=answer.channel,
    )  # fmt: skip
    if (about := answer.about) is not None:
        notice = replace(notice, mode=about.mode, incident_id=about.incident_id, offer_id=about.id)
    await composing.notify(connection, [notice], now)


async def answer_contact(connection: asyncpg.Connection, answer: AnswerToContact, now: datetime) -> None:
    """Queue the answer to a duty contact's text; a question back a few times at most."""
    if answer.purpose == "ask_back" and await _asked_back_enough(connection, answer.contact_id, now):
        return
    notice = Notice(
        answer.organisation, answer.mode, answer.purpose, answer.contact_id, answer.inbound_id, 0,
        incident_id=answer.incident_id, escalation_id=answer.escalation_id, recipient_kind="duty",
    )  # fmt: skip
    await composing.queue(connection, [(notice, answer.channel)], now)


async def _asked_back_enough(
    connection: asyncpg.Connection, person: UUID, now: datetime, *, forwarded: bool = False
) -> bool:
    """Return whether a person was asked back, or told of forwarded words, so often that nobody may be reading."""
    since = now - ASK_BACKS_WITHIN
    asked = await connection.fetchval(sql("count_ask_backs"), person, since, forwarded)
    if asked >= ASK_BACKS:
        log.warning("a person was asked back often enough", person=str(person))
    return bool(asked >= ASK_BACKS)
