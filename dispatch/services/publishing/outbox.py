"""The relay's side of PostgreSQL: the buckets it owns, what waits in them, and what a new broker lacks."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import asyncpg

from dispatch.storage.chain import BUCKETS
from dispatch.storage.pool import BY_INDEX, translate_connection_loss
from dispatch.storage.queries import sql
from schemas.envelope import unpack
from schemas.topics import HORIZON_DAYS

Readers = Sequence[tuple[str, str]]
"""Topics with the consumers whose inbox must hold their events."""

CLOSE_PATIENCE_S = 1.0
RECOVERY_PATIENCE_S = 300.0
HORIZON = timedelta(days=HORIZON_DAYS)
SESSION = {
    "application_name": "renfort relay",
    "timezone": "UTC",
    "lock_timeout": "5s",
    **BY_INDEX,
    # Its session lives for ever, and a plan from when the journal was empty would go through all of an index for each
    # message; to plan a round anew costs half a millisecond.
    "plan_cache_mode": "force_custom_plan",
    # A host that vanishes keeps its locks until the server misses it: so look soon.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    # A frozen process does too, though its host answers. A round waits ten seconds for Kafka at most.
    "idle_session_timeout": "20s",
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish, and its place in the outbox."""

    id: int
    bucket: int
    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    body: bytes


class Buckets:
    """The buckets that this session owns: it alone publishes what is in them, and loses them when it ends."""

    def __init__(self, connection: asyncpg.Connection, readers: Readers) -> None:
        self.owned: set[int] = set()
        self._readers = readers
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def of(cls, dsn: str, readers: Readers) -> AsyncIterator[Self]:
        """Open a session of its own, since the locks are the session's."""
        connection = await asyncpg.connect(
            dsn,
            timeout=10,
            command_timeout=10,
            server_settings=SESSION,
        )
        try:
            await connection.execute(sql("join_relays"))
            with translate_connection_loss(connection):
                yield cls(connection, readers)
        finally:
            await _close(connection)

    async def share(self) -> None:
        """Own a fair part: take what is free, give back what is too much; never while a round is in hand."""
        relays = await self._connection.fetchval(sql("count_relays"))
        part = math.ceil(BUCKETS / relays)
        if len(self.owned) < part:
            free = await self._connection.fetch(
                sql("claim_buckets"), sorted(set(range(BUCKETS)) - self.owned)
            )
            self.owned.update(row["bucket"] for row in free)
        surplus = sorted(self.owned)[part:]
        if surplus:
            await self._connection.execute(sql("release_buckets"), surplus)
            self.owned.difference_update(surplus)

    async def fetch(self, limit: int, *, besides: Collection[int] = ()) -> list[Outgoing]:
        """Read what waits in the buckets owned, besides some, in the order in which it must leave.

        A fifth of it is what waits longest, so that what can wait does not wait for ever.
        """
        buckets = sorted(self.owned.difference(besides))
        share = limit // 5
        rows = await self._connection.fetch(sql("fetch_outbox"), buckets, limit - share, share)
        return [
            Outgoing(row["id"], row["bucket"], row["topic"], row["key"], unpack(row["headers"]), row["body"])
            for row in rows
        ]

    async def done(self, ids: Collection[int]) -> None:
        """Take published messages off the outbox."""
        if ids:
            await self._connection.execute(sql("delete_outbox"), sorted(ids))

    async def forgotten(self, cluster: str) -> set[int]:
        """Say which of the buckets owned this cluster knows nothing of."""
        rows = await self._connection.fetch(sql("forgotten_buckets"), cluster, sorted(self.owned))
        return {row["bucket"] for row in rows}

    async def bring_back(self, cluster: str, buckets: Collection[int], now: datetime) -> int:
        """Queue, before all else, what the readers of this cluster lack; return how much was queued."""
        topics, consumers = map(list, zip(*self._readers, strict=True))
        await self._connection.execute(sql("analyze_journal"), timeout=RECOVERY_PATIENCE_S)
        async with self._connection.transaction():
            status = await self._connection.execute(
                sql("enqueue_unread"), sorted(buckets), now - HORIZON, topics, consumers,
                timeout=RECOVERY_PATIENCE_S,
            )  # fmt: skip
            await self._connection.execute(sql("note_cluster"), cluster, sorted(buckets), now)
        return int(status.split()[-1])


async def _close(connection: asyncpg.Connection) -> None:
    try:
        async with asyncio.timeout(CLOSE_PATIENCE_S):
            await connection.close()
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
