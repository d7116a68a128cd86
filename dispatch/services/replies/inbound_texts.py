"""Receiving texts: each is stored once, however often it is delivered, and processed in the same transaction."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.messaging.sending_time import plausible, said_at
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import InboundText
from dispatch.services.replies import senders, text_alerts
from dispatch.services.replies.page_answers import ContactText
from dispatch.services.replies.senders import Sender
from dispatch.services.replies.text_answers import KnownText
from dispatch.storage.queries import bound, sql
from schemas.ids import named, new_id

UNKNOWN = "unknown phone"
AMBIGUOUS = "ambiguous phone"
FLOOD = "flood"

LONGEST = 4_000
"""How many characters of a text are stored; a text of ten parts has 1,530."""
SAME_WITHIN = timedelta(hours=1)
"""How long the same id, sender and words are one text: a modem that restarts counts its ids from 1 again."""
FLOOD_WITHIN, FLOOD_FROM = timedelta(minutes=1), 20
"""From so many texts of one phone within that time on, the same words again say nothing new."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A text as it arrived, and the id under which it is stored where no earlier text has that.

    `organisation` is that of the gateway; None where the gateway serves the whole installation.
    """

    gateway: str
    inbound: InboundText
    received_at: datetime
    id: UUID
    organisation: UUID | None

    @property
    def first_id(self) -> UUID:
        """Return the id of the first text that this gateway delivers under this provider's id."""
        return named(self.gateway, self.inbound.provider_id) if self.inbound.provider_id else self.id


async def receive_text(
    uow: UnitOfWork,
    gateway: str,
    inbound: InboundText,
    received_at: datetime,
    organisation: UUID | None = None,
) -> str:
    """Process a person's text, once however often the gateway delivers it; return the outcome.

    The gateway of one `organisation` speaks for its people and to its offers alone.
    """
    sent_at = plausible(inbound.sent_at, received_at)
    inbound = replace(inbound, text=inbound.text[:LONGEST], sent_at=sent_at)
    arrival = Arrival(gateway, inbound, received_at, new_id(), organisation)

    async def work(connection: asyncpg.Connection, now: datetime) -> tuple[UUID, str]:
        return await _receive(connection, arrival, now)

    id_, outcome = await uow.transact(work)
    log.info("text received", gateway=gateway, text=str(id_), outcome=outcome)
    return outcome


async def _receive(connection: asyncpg.Connection, arrival: Arrival, now: datetime) -> tuple[UUID, str]:
    """Process a text that is neither a repetition nor part of a flood; the texts of one sender follow one another."""
    sender = await senders.identify(connection, arrival.inbound, arrival.organisation)
    await connection.execute(sql("lock_texts_of"), sender.address)
    if (repeated := await _repeated(connection, arrival, sender)) is not None:
        return repeated["id"], str(repeated["outcome"])
    if await _floods(connection, arrival, sender):
        await text_alerts.report_flood(connection, sender, now)
        return arrival.id, FLOOD
    id_ = await _store(connection, arrival, sender)
    outcome, reply_id = await _process(connection, id_, arrival, sender, now)
    await connection.execute(sql("resolve_text"), id_, outcome, reply_id)
    return id_, outcome


async def _process(
    connection: asyncpg.Connection, id_: UUID, arrival: Arrival, sender: Sender, now: datetime
) -> tuple[str, UUID | None]:
    """Return the outcome of a text, and the id of the reply where it is one."""
    if sender.ambiguous:
        await text_alerts.report_ambiguous(connection, sender, id_, now)
        return AMBIGUOUS, None
    inbound, volunteer = arrival.inbound, None
    if sender.volunteer_id is not None:
        volunteer = KnownText(
            connection, id_, sender.volunteer_id, inbound.channel, arrival.received_at, now,
            sender=sender, sent_at=inbound.sent_at,
        )  # fmt: skip
    if sender.contacts:
        given_at = said_at(inbound.sent_at, arrival.received_at)
        contact = ContactText(connection, id_, sender.contacts, volunteer, inbound.channel, given_at, now)
        return await contact.process(inbound.text)
    return (UNKNOWN, None) if volunteer is None else await volunteer.process(inbound.text)


async def _repeated(
    connection: asyncpg.Connection, arrival: Arrival, sender: Sender
) -> asyncpg.Record | None:
    """Return the text that a delivery repeats: the same gateway, id, sender and words within an hour."""
    inbound = arrival.inbound
    if not inbound.provider_id:
        return None
    query = bound(
        "text_delivered_before", gateway=arrival.gateway, organisation=arrival.organisation,
        provider_id=inbound.provider_id, first_id=arrival.first_id, sender=sender.address, text=inbound.text,
        since=arrival.received_at - SAME_WITHIN,
    )  # fmt: skip
    return await connection.fetchrow(*query)


async def _floods(connection: asyncpg.Connection, arrival: Arrival, sender: Sender) -> bool:
    """Return whether a text says again what its sender says in a flood of texts."""
    since = arrival.received_at - FLOOD_WITHIN
    row = await connection.fetchrow(
        sql("count_texts_of"), sender.address, arrival.inbound.text, since, arrival.organisation
    )
    return row is not None and row["texts"] >= FLOOD_FROM and row["same"] > 0


async def _store(connection: asyncpg.Connection, arrival: Arrival, sender: Sender) -> UUID:
    """Store a text under the first free of its ids; return the id.

    Processes of the previous release know a text by `first_id` alone.
    """
    inbound = arrival.inbound
    known = len(sender.known) == 1 or len(sender.readings) == 1
    row = {
        "gateway": arrival.gateway, "organisation": arrival.organisation, "sender": sender.address,
        "text": inbound.text, "received_at": arrival.received_at, "sent_at": inbound.sent_at,
        "provider_id": inbound.provider_id or None, "readings": None if known else list(sender.readings),
    }  # fmt: skip
    for id_ in (arrival.first_id, arrival.id):
        if await connection.fetchval(*bound("store_text", id=id_, **row)) is not None:
            break
    return id_
