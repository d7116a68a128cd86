"""Receiving answers: stored at once, processed later; a text is bound to its offer, or the volunteer is asked again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.errors import RefusedError
from dispatch.domain.messaging import grammar
from dispatch.domain.messaging.binding import Candidate, bind
from dispatch.services.core.errors import ForbiddenError, InvalidError, NotFoundError
from dispatch.services.core.phone_numbers import e164
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import composing
from dispatch.services.messaging.composing import AnswerToText
from dispatch.services.messaging.gateway import PHONE_CHANNELS, InboundText
from dispatch.services.people import opt_out
from dispatch.storage import journal
from dispatch.storage.journal import Entry
from dispatch.storage.queries import bound, sql
from schemas.ids import named, new_id
from schemas.notifications import Purpose
from schemas.offers import Channel
from schemas.replies import Answer, ReplyReceived

RECENT = timedelta(minutes=30)
"""How long after an offer's window a text without a code may still be about it."""
UNKNOWN = "unknown phone"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReceivedAnswer:
    """An answer as it was received."""

    offer_id: UUID
    answer: Answer
    channel: Channel
    received_at: datetime


async def receive(
    uow: UnitOfWork,
    *,
    offer_id: UUID,
    answer: Answer,
    channel: Channel,
    received_at: datetime,
    volunteer_id: UUID | None = None,
    organisation: UUID | None = None,
) -> UUID:
    """Store and publish one answer; return its id.

    Raises NotFoundError where there is no such offer (in the organisation), ForbiddenError where it is
    another volunteer's, RefusedError where the plan sends nobody.
    """
    received = ReceivedAnswer(offer_id, answer, channel, received_at)

    async def work(connection: asyncpg.Connection, now: datetime) -> UUID:
        offer = await _offer(connection, offer_id)
        if organisation not in (None, offer["organisation"]):
            raise NotFoundError("there is no such offer")
        if volunteer_id not in (None, offer["volunteer_id"]):
            raise ForbiddenError("this offer was made to somebody else")
        return await _store(connection, received, offer, now)

    return await uow.transact(work)


async def receive_text(uow: UnitOfWork, gateway: str, inbound: InboundText, received_at: datetime) -> str:
    """Process a person's text, once however often the gateway delivers it; return the outcome."""
    id_ = named(gateway, inbound.provider_id)
    sender = _address(inbound)

    async def work(connection: asyncpg.Connection, now: datetime) -> str:
        row = (id_, gateway, sender, inbound.text, received_at)
        if await connection.fetchval(sql("store_text"), *row) is None:
            return str(await connection.fetchval(sql("text_outcome"), id_))
        volunteer_id = await connection.fetchval(sql("find_by_address"), inbound.channel, sender)
        if volunteer_id is None:
            outcome, reply_id = UNKNOWN, None
        else:
            text = _KnownText(connection, id_, volunteer_id, inbound.channel, received_at, now)
            outcome, reply_id = await text.process(inbound.text)
        await connection.execute(sql("resolve_text"), id_, outcome, reply_id)
        return outcome

    outcome = await uow.transact(work)
    log.info("text received", gateway=gateway, text=str(id_), outcome=outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class _KnownText:
    """A text from a known volunteer, in the transaction that stores it."""

    connection: asyncpg.Connection
    id: UUID
    volunteer_id: UUID
    channel: Channel
    received_at: datetime
    now: datetime

    async def process(self, text: str) -> tuple[str, UUID | None]:
        """Return the outcome, and the id of the reply where the text is one."""
        parsed = grammar.parse(text)
        candidates = await self._candidates()
        if parsed.answer == "stop":
            await opt_out.stop(self.connection, self.volunteer_id, self.now)
            await self._send_back("stopped", candidates)
            return "stop", None
        if parsed.answer == "start":
            await opt_out.restart(self.connection, self.volunteer_id)
            return "start", None
        offer = None if parsed.answer == "unclear" else bind(parsed, candidates)
        if offer is None or parsed.answer == "unclear":
            await self._send_back("ask_back", candidates)
            return "asked back", None
        received = ReceivedAnswer(offer.id, parsed.answer, self.channel, self.received_at)
        row = await _offer(self.connection, offer.id)
        return parsed.answer, await _store(self.connection, received, row, self.now)

    async def _candidates(self) -> list[Candidate]:
        ended_after = self.received_at - RECENT
        rows = await self.connection.fetch(sql("offers_to_answer"), self.volunteer_id, ended_after)
        return [Candidate(**dict(row)) for row in rows]

    async def _send_back(self, purpose: Purpose, candidates: Sequence[Candidate]) -> None:
        """Answer in the name of the organisation that asked last, else of one whose roster has the person."""
        rosters = await opt_out.organisations_of(self.connection, self.volunteer_id)
        organisations = [one.organisation for one in candidates] + rosters
        if organisations:
            answer = AnswerToText(purpose, organisations[0], self.volunteer_id, self.id, self.channel)
            await composing.answer_text(self.connection, answer, self.now)


async def _offer(connection: asyncpg.Connection, offer_id: UUID) -> asyncpg.Record:
    row = await connection.fetchrow(sql("offer_facts"), offer_id)
    if row is None:
        raise NotFoundError("there is no such offer")
    return row


async def _store(
    connection: asyncpg.Connection, received: ReceivedAnswer, offer: asyncpg.Record, now: datetime
) -> UUID:
    """Store and journal an answer to an offer; return its id."""
    if offer["informs"] and received.answer in ("en_route", "on_scene"):
        raise RefusedError("a watch notice sends nobody: there is no way to go and no scene to be on")
    event = ReplyReceived(
        at=received.received_at,
        reply_id=new_id(),
        volunteer_id=offer["volunteer_id"],
        offer_id=received.offer_id,
        incident_id=offer["incident_id"],
        answer=received.answer,
        channel=received.channel,
        received_at=received.received_at,
    )
    await connection.execute(sql("lock_replies_of"), str(event.volunteer_id))
    reply = event.model_dump(
        include={"volunteer_id", "offer_id", "incident_id", "answer", "channel", "received_at"}
    )
    place = {"organisation": offer["organisation"], "mode": offer["mode"]}
    await connection.execute(*bound("store_reply", id=event.reply_id, **place, **reply))
    entry = Entry(
        event.reply_id, event, offer["organisation"], offer["mode"], str(event.incident_id),
        received.received_at, received.received_at, rank=0,
    )  # fmt: skip
    await journal.append(connection, [entry], now, new=[event.reply_id])
    return event.reply_id


def _address(inbound: InboundText) -> str:
    """Spell a sender as addresses are stored; what is no phone number (a short code, a name) stays as it is."""
    if inbound.channel not in PHONE_CHANNELS:
        return inbound.sender
    for text in (inbound.sender, f"+{inbound.sender}"):
        try:
            return e164(text)
        except InvalidError:
            continue
    return inbound.sender
