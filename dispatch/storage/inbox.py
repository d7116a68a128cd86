"""What each consumer has taken in: the fence against redelivery."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql


async def take(
    connection: asyncpg.Connection, consumer: str, event_ids: Sequence[UUID], now: datetime
) -> set[UUID]:
    """Note the events as taken and return those that this consumer had not taken before."""
    rows = await connection.fetch(sql("take_inbox"), consumer, sorted(set(event_ids)), now)
    return {row["event_id"] for row in rows}
