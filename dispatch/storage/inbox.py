"""The inbox: which events each consumer has consumed, so that a redelivery has no effect."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql


async def record(
    connection: asyncpg.Connection, consumer: str, event_ids: Sequence[UUID], now: datetime
) -> set[UUID]:
    """Record the events as consumed; return those that this consumer had not consumed before."""
    rows = await connection.fetch(sql("record_inbox"), consumer, sorted(set(event_ids)), now)
    return {row["event_id"] for row in rows}
