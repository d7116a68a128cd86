"""Receiving texts: each is stored once, however often it is delivered, and processed in the same transaction."""

from datetime import datetime

import asyncpg
import structlog

from dispatch.services.core.errors import InvalidError
from dispatch.services.core.phone_numbers import e164
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import PHONE_CHANNELS, InboundText
from dispatch.services.replies.text_answers import KnownText
from dispatch.storage.queries import sql
from schemas.ids import named

UNKNOWN = "unknown phone"

log = structlog.get_logger()


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
            text = KnownText(connection, id_, volunteer_id, inbound.channel, received_at, now)
            outcome, reply_id = await text.process(inbound.text)
        await connection.execute(sql("resolve_text"), id_, outcome, reply_id)
        return outcome

    outcome = await uow.transact(work)
    log.info("text received", gateway=gateway, text=str(id_), outcome=outcome)
    return outcome


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
