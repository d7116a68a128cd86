"""Channels that messages wait for and that no gateway serves."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg

from dispatch.storage.queries import sql

SKIPPED_WITHIN = timedelta(days=1)


class UnservedChannel(NamedTuple):
    """A channel without a gateway: the messages that wait for it, and those skipped within the last day."""

    channel: str
    waiting: int
    skipped: int


async def unserved_channels(
    pool: asyncpg.Pool, served: Collection[str], now: datetime
) -> list[UnservedChannel]:
    """Return the channels outside `served` on which messages wait or were skipped within the last day."""
    rows = await pool.fetch(sql("unserved_messages"), sorted(served), now - SKIPPED_WITHIN)
    return [UnservedChannel(*row) for row in rows]
