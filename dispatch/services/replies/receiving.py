"""Receiving answers: stored and published at once, processed later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.errors import RefusedError
from dispatch.services.core.errors import ForbiddenError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage import journal, write_generation
from dispatch.storage.journal import Entry
from dispatch.storage.queries import bound, sql
from schemas.generations import ENDS_SINCE
from schemas.ids import new_id
from schemas.offers import Channel
from schemas.replies import Answer, ReplyReceived

STORED = {
    "volunteer_id", "offer_id", "incident_id", "answer", "channel", "received_at", "sent_at", "reason", "eta_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceivedAnswer:
    """An answer as it was received; `sent_at` as its gateway reports it, `reason` a code for a no."""

    offer_id: UUID
    answer: Answer
    channel: Channel
    received_at: datetime
    sent_at: datetime | None = None
    reason: str | None = None
    minutes: int | None = None
    """How long the volunteer needs to arrive, where they said so."""

    @property
    def eta_at(self) -> datetime | None:
        """Return when the volunteer arrives, as they said."""
        return None if self.minutes is None else self.received_at + timedelta(minutes=self.minutes)


async def receive(
    uow: UnitOfWork,
    *,
    offer_id: UUID,
    answer: Answer,
    channel: Channel,
    received_at: datetime,
    volunteer_id: UUID | None = None,
    organisation: UUID | None = None,
    minutes: int | None = None,
) -> UUID:
    """Store and publish one answer; return its id.

    Raises NotFoundError where there is no such offer (in the organisation), ForbiddenError where it is
    another volunteer's, RefusedError where the plan sends nobody.
    """
    received = ReceivedAnswer(offer_id, answer, channel, received_at, minutes=minutes)

    async def work(connection: asyncpg.Connection, now: datetime) -> UUID:
        offer = await offer_facts(connection, offer_id)
        if organisation not in (None, offer["organisation"]):
            raise NotFoundError("there is no such offer")
        if volunteer_id not in (None, offer["volunteer_id"]):
            raise ForbiddenError("this offer was made to somebody else")
        return await store(connection, received, offer, now)

    return await uow.transact(work)


async def offer_facts(connection: asyncpg.Connection, offer_id: UUID) -> asyncpg.Record:
    """Return the stored facts of an offer; raises NotFoundError where there is no such offer."""
    row = await connection.fetchrow(sql("offer_facts"), offer_id)
    if row is None:
        raise NotFoundError("there is no such offer")
    return row


async def store(
    connection: asyncpg.Connection, received: ReceivedAnswer, offer: asyncpg.Record, now: datetime
) -> UUID:
    """Store and journal an answer to an offer; return its id."""
    if offer["informs"] and received.answer in ("en_route", "on_scene"):
        raise RefusedError("a watch notice sends nobody: there is no way to go and no scene to be on")
    if received.answer == "not_yet" and write_generation.current < ENDS_SINCE:
        raise RefusedError("nobody is asked whether a mission is over before the upgrade has ended")
    event = ReplyReceived(
        at=received.received_at,
        reply_id=new_id(),
        volunteer_id=offer["volunteer_id"],
        offer_id=received.offer_id,
        incident_id=offer["incident_id"],
        answer=received.answer,
        channel=received.channel,
        received_at=received.received_at,
        sent_at=received.sent_at,
        reason=received.reason,
        eta_at=received.eta_at,
    )
    await connection.execute(sql("lock_replies_of"), str(event.volunteer_id))
    reply = event.model_dump(include=STORED)
    place = {"organisation": offer["organisation"], "mode": offer["mode"]}
    await connection.execute(*bound("store_reply", id=event.reply_id, **place, **reply))
    entry = Entry(
        event.reply_id, event, offer["organisation"], offer["mode"], str(event.incident_id),
        received.received_at, received.received_at, rank=0,
    )  # fmt: skip
    await journal.append(connection, [entry], now, new=[event.reply_id])
    return event.reply_id
