"""The outbox as a relay reads it: the buckets it owns, their messages, and what a new cluster lacks."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple, Self

import asyncpg

from dispatch.storage.chain import BUCKETS
from dispatch.storage.pool import BY_INDEX, translate_connection_loss
from dispatch.storage.queries import sql
from schemas.topics import HORIZON_DAYS

Readers = Sequence[tuple[str, str]]
"""Topics with the consumers whose inbox must hold their events."""

CLOSE_PATIENCE_S = 1.0
RECOVERY_PATIENCE_S = 300.0
RECOVERY_WINDOW = timedelta(days=HORIZON_DAYS)
"""Older events are not published again to a new cluster: the topics would not have retained them either."""
SESSION = {
    "application_name": "renfort relay",
    "timezone": "UTC",
    "lock_timeout": "5s",
    **BY_INDEX,
    # Planning for each round costs as much as fetching ten messages. The session never ends, so `rebalance` discards
    # plans: one made while the tables were empty would scan a whole index for each message.
    "plan_cache_mode": "force_generic_plan",
    # After a crash of the server, messages whose deletion is lost are published again, as after a crash of the relay.
    "synchronous_commit": "off",
    # A host that vanishes keeps its locks until the server detects it.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    # A frozen process keeps them too, while its host answers keepalives. A round waits at most 10 s for Kafka.
    "idle_session_timeout": "20s",
}


class OutboxMessage(NamedTuple):
    """A message to publish, with its place in the outbox; its headers are packed, as the journal has them."""

    id: int
    bucket: int
    rank: int
    topic: str
    key: bytes
    headers: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Return the bytes of the message, or a few more: its headers take less space in Kafka."""
        return len(self.key) + len(self.headers) + len(self.body)


class Buckets:
    """The buckets that one session owns: it alone publishes their messages, and releases them when it ends."""

    def __init__(self, connection: asyncpg.Connection, readers: Readers) -> None:
        self.owned: set[int] = set()
        self._readers = readers
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str, readers: Readers) -> AsyncIterator[Self]:
        """Open a session for the buckets, since PostgreSQL binds their locks to it."""
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

    async def rebalance(self) -> None:
        """Claim free buckets up to a fair share, and release the surplus; must not run during a round.

        Plans of statements last from one call to the next.
        """
        await self._connection.execute(sql("discard_plans"))
        relays = await self._connection.fetchval(sql("count_relays"))
        share = math.ceil(BUCKETS / relays)
        if len(self.owned) < share:
            free = await self._connection.fetch(
                sql("claim_buckets"), sorted(set(range(BUCKETS)) - self.owned)
            )
            self.owned.update(row["bucket"] for row in free)
        surplus = sorted(self.owned)[share:]
        if surplus:
            await self._connection.execute(sql("release_buckets"), surplus)
            self.owned.difference_update(surplus)

    async def fetch(self, limit: int, *, excluding: Collection[int] = ()) -> list[OutboxMessage]:
        """Return the next messages of the owned buckets, without the excluded ones, in the order of publishing.

        A fifth of them are the oldest, so that messages of low rank do not wait for ever.
        """
        buckets = sorted(self.owned.difference(excluding))
        oldest = limit // 5
        rows = await self._connection.fetch(sql("fetch_outbox"), buckets, limit - oldest, oldest)
        return [OutboxMessage(*row) for row in rows]

    async def delete(self, ids: Collection[int]) -> None:
        """Delete published messages from the outbox."""
        if ids:
            await self._connection.execute(sql("delete_outbox"), sorted(ids))

    async def unrecovered(self, cluster: str) -> set[int]:
        """Return the owned buckets whose unread events were not yet queued for this cluster."""
        rows = await self._connection.fetch(sql("unrecovered_buckets"), cluster, sorted(self.owned))
        return {row["bucket"] for row in rows}

    async def requeue_unread(self, cluster: str, buckets: Collection[int], now: datetime) -> int:
        """Queue, before all other messages, the events that some reader's inbox lacks; return how many."""
        topics, consumers = map(list, zip(*self._readers, strict=True))
        await self._connection.execute(sql("analyze_journal"), timeout=RECOVERY_PATIENCE_S)
        async with self._connection.transaction():
            status = await self._connection.execute(
                sql("enqueue_unread"), sorted(buckets), now - RECOVERY_WINDOW, topics, consumers,
                timeout=RECOVERY_PATIENCE_S,
            )  # fmt: skip
            await self._connection.execute(sql("record_recovery"), cluster, sorted(buckets), now)
        return int(status.split()[-1])


async def _close(connection: asyncpg.Connection) -> None:
    try:
        async with asyncio.timeout(CLOSE_PATIENCE_S):
            await connection.close()
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
