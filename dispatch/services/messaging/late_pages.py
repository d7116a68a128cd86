"""Pages that Kafka does not carry: composed from the journal, so that a supervisor is notified by what still works."""

from datetime import datetime, timedelta

import asyncpg
import structlog

from dispatch.services.messaging import paging
from dispatch.storage import inbox
from dispatch.storage.queries import sql
from schemas.decoding import Received, decode
from schemas.envelope import unpack

CONSUMER = "escalation-messages"
"""The consumer whose work this does; its inbox lets each page through once."""
CARRIED_WITHIN = timedelta(seconds=10)
LOOK_BACK = timedelta(hours=1)
MOST = 20

log = structlog.get_logger()


async def compose(connection: asyncpg.Connection, now: datetime) -> int:
    """Compose the open pages whose events wait to be published for too long; return how many events."""
    rows = await connection.fetch(sql("late_pages"), now - CARRIED_WITHIN, now - LOOK_BACK, MOST)
    if not rows:
        return 0
    fresh = await inbox.record(connection, CONSUMER, [row["event_id"] for row in rows], now)
    found = [
        decode(r["topic"], r["key"], unpack(r["headers"]), r["body"]) for r in rows if r["event_id"] in fresh
    ]
    pages = [one for one in found if isinstance(one, Received)]
    await paging.escalation_messages(connection, pages, now)
    log.warning("pages composed without Kafka, which does not accept events", pages=len(pages))
    return len(pages)
