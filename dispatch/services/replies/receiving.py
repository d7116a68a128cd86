"""Taking answers in: kept at once and worked later; a text is bound to its offer or asked back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.errors import RefusedError
from dispatch.domain.messaging import grammar
from dispatch.domain.messaging.binding import Candidate, bind
from dispatch.services.core.errors import ForbiddenError, InvalidError, NotFoundError
from dispatch.services.core.phones import e164
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import composing
from dispatch.services.messaging.gateway import Inbound
from dispatch.services.people import opt_out
from dispatch.storage import journal
from dispatch.storage.journal import Entry
from dispatch.storage.queries import bound, sql
from schemas.ids import named, new_id
from schemas.offers import Channel
from schemas.replies import Answer, ReplyReceived

Tell = Callable[[asyncpg.Connection, UUID, UUID, UUID, datetime], Awaitable[None]]

RECENT = timedelta(minutes=30)
"""How long after an offer's window a text without a code may still be about it."""
UNKNOWN = "unknown phone"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given."""

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
    """Keep one answer and pass it on; returns its id.

    Raises NotFoundError where there is no such offer (in the organisation), ForbiddenError where it is
    another volunteer's, RefusedError where the plan sends nobody.
    """
    given = Given(offer_id, answer, channel, received_at)

    async def work(connection: asyncpg.Connection, now: datetime) -> UUID:
        home = await _home(connection, offer_id)
        if organisation not in (None, home["organisation"]):
            raise NotFoundError("there is no such offer")
        if volunteer_id not in (None, home["volunteer_id"]):
            raise ForbiddenError("this offer was made to somebody else")
        return await _keep(connection, given, home, now)

    return await uow.transact(work)


async def receive_text(uow: UnitOfWork, gateway: str, inbound: Inbound, received_at: datetime) -> str:
    """Take in a person's text, once however often the gateway tells of it; returns what became of it."""
    id_ = named(gateway, inbound.provider_id)
    sender = _spell(inbound.sender)

    async def work(connection: asyncpg.Connection, now: datetime) -> str:
        row = (id_, gateway, sender, inbound.text, received_at)
        if await connection.fetchval(sql("keep_text"), *row) is None:
            return str(await connection.fetchval(sql("text_outcome"), id_))
        volunteer_id = await connection.fetchval(sql("find_by_phone"), sender)
        if volunteer_id is None:
            outcome, reply_id = UNKNOWN, None
        else:
            outcome, reply_id = await _Text(connection, id_, volunteer_id, received_at, now).work(
                inbound.text
            )
        await connection.execute(sql("settle_text"), id_, outcome, reply_id)
        return outcome

    outcome = await uow.transact(work)
    log.info("text received", gateway=gateway, text=str(id_), outcome=outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of somebody we know, in the transaction that takes it in."""

    connection: asyncpg.Connection
    id: UUID
    volunteer_id: UUID
    received_at: datetime
    now: datetime

    async def work(self, text: str) -> tuple[str, UUID | None]:
        reply = grammar.parse(text)
        candidates = await self._candidates()
        if reply.answer == "stop":
            await opt_out.stop(self.connection, self.volunteer_id, self.now)
            await self._tell(composing.stopped, candidates)
            return "stop", None
        if reply.answer == "start":
            await opt_out.restart(self.connection, self.volunteer_id)
            return "start", None
        offer = None if reply.answer == "unclear" else bind(reply, candidates)
        if offer is None or reply.answer == "unclear":
            await self._tell(composing.ask_back, candidates)
            return "asked back", None
        given = Given(offer.id, reply.answer, "sms", self.received_at)
        return reply.answer, await _keep(
            self.connection, given, await _home(self.connection, offer.id), self.now
        )

    async def _candidates(self) -> list[Candidate]:
        ended_after = self.received_at - RECENT
        rows = await self.connection.fetch(sql("offers_to_answer"), self.volunteer_id, ended_after)
        return [Candidate(**dict(row)) for row in rows]

    async def _tell(self, tell: Tell, candidates: list[Candidate]) -> None:
        """Answer in the name of whoever asked last, else of whoever has the person on a roster."""
        rosters = await opt_out.organisations_of(self.connection, self.volunteer_id)
        homes = [one.organisation for one in candidates] + rosters
        if homes:
            await tell(self.connection, homes[0], self.volunteer_id, self.id, self.now)


async def _home(connection: asyncpg.Connection, offer_id: UUID) -> asyncpg.Record:
    home = await connection.fetchrow(sql("offer_home"), offer_id)
    if home is None:
        raise NotFoundError("there is no such offer")
    return home


async def _keep(connection: asyncpg.Connection, given: Given, home: asyncpg.Record, now: datetime) -> UUID:
    if home["informs"] and given.answer in ("en_route", "on_scene"):
        raise RefusedError("a watch notice sends nobody: there is no way to go and no scene to be on")
    event = ReplyReceived(
        at=given.received_at,
        reply_id=new_id(),
        volunteer_id=home["volunteer_id"],
        offer_id=given.offer_id,
        incident_id=home["incident_id"],
        answer=given.answer,
        channel=given.channel,
        received_at=given.received_at,
    )
    who = str(event.volunteer_id)
    await connection.execute(sql("order_replies"), who)
    reply = event.model_dump(
        include={"volunteer_id", "offer_id", "incident_id", "answer", "channel", "received_at"}
    )
    place = {"organisation": home["organisation"], "mode": home["mode"]}
    await connection.execute(*bound("keep_reply", id=event.reply_id, **place, **reply))
    entry = Entry(
        event.reply_id, event, home["organisation"], home["mode"], who, given.received_at, given.received_at,
        rank=0,
    )  # fmt: skip
    await journal.append(connection, [entry], now)
    return event.reply_id


def _spell(sender: str) -> str:
    """Spell a sender as addresses are spelt; what is no phone number (a short code, a name) stays."""
    for text in (sender, f"+{sender}"):
        try:
            return e164(text)
        except InvalidError:
            continue
    return sender
