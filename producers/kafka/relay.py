"""The relay: publishes what is committed, in order per key, at least once, for ever."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dispatch.clock import Clock
from dispatch.security import UNSECURED, Security
from dispatch.services.publishing.outbox import Buckets, Outgoing, Readers
from dispatch.storage.pool import describe
from producers.kafka.producer import open_producer, send
from producers.kafka.topics import TopicsError, administration, cluster_id, ensure

ROUND = 150
"""Messages in one round: what is severe waits for no more than those before it leaves."""
BUSY_POLL_S, IDLE_POLL_S, BUSY_FOR_S = 0.003, 0.05, 1.0
LOOK_AROUND_EVERY_S = 1.0
STOP_PATIENCE_S = 1.0
REST_S = 2.0
LOOK_AGAIN_AFTER_S = 15.0
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0

log = structlog.get_logger()


class UnsentError(Exception):
    """Kafka did not take everything; what it did not take stays in the outbox."""


class ReplacedClusterError(Exception):
    """Another cluster answers at the same address."""


TROUBLE = (UnsentError, ReplacedClusterError, TopicsError, KafkaError, OSError, TimeoutError,
           asyncpg.PostgresError, asyncpg.InterfaceError)  # fmt: skip


class Relay:
    """One of any number of relays of a database; each owns its share of the buckets."""

    def __init__(
        self,
        dsn: str,
        bootstrap: str,
        clock: Clock,
        readers: Readers,
        *,
        embedded: bool,
        replication: int = 1,
        min_insync: int = 1,
        security: Security = UNSECURED,
    ) -> None:
        self.ready = False
        self._dsn = dsn
        self._bootstrap = bootstrap
        self._clock = clock
        self._readers = readers
        self._embedded = embedded
        self._security = security
        self._copies = {"replication": replication, "min_insync": min_insync}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._busy_until = 0.0
        self._look_again_at: float | None = None
        self._rests_until: dict[int, float] = {}

    def wake(self) -> None:
        """Look at the outbox now: something was just committed."""
        self._wanted.set()

    async def run(self) -> None:
        """Relay until stopped, in a task of its own; what fails is done again on fresh connections."""
        self._task = asyncio.current_task()
        wait = SHORTEST_WAIT_S
        while not self._stopping.is_set():
            try:
                await self._session()
            except Exception as trouble:
                unheard_of = not isinstance(trouble, TROUBLE)
                log.warning("the relay starts again", error=describe(trouble), exc_info=unheard_of)
            wait = SHORTEST_WAIT_S if self.ready else min(wait * 2, LONGEST_WAIT_S)
            self.ready = False
            await _wait_for(self._stopping, wait)

    async def stop(self) -> None:
        """End the round in hand, or give it up after a second: what it did not delete is published again."""
        self._stopping.set()
        self.wake()
        if self._task is not None and not self._task.done():
            _, late = await asyncio.wait({self._task}, timeout=STOP_PATIENCE_S)
            for task in late:
                task.cancel()
                await asyncio.wait({task})

    async def _session(self) -> None:
        async with (
            Buckets.of(self._dsn, self._readers) as buckets,
            administration(self._bootstrap, self._security) as admin,
        ):
            cluster = await cluster_id(admin)
            await self._look_around(buckets, admin, cluster)
            async with open_producer(
                self._bootstrap, idempotent=not self._embedded, security=self._security
            ) as producer:
                self.ready = True
                await self._publish(buckets, admin, producer, cluster)

    async def _publish(
        self, buckets: Buckets, admin: AIOKafkaAdminClient, producer: AIOKafkaProducer, cluster: str
    ) -> None:
        looked = _seconds()
        while not self._stopping.is_set():
            if _seconds() - looked >= LOOK_AROUND_EVERY_S:
                await self._look_around(buckets, admin, cluster)
                looked = _seconds()
            if waiting := await buckets.fetch(ROUND, besides=self._resting()):
                self._busy_until = _seconds() + BUSY_FOR_S
                await self._send(buckets, producer, waiting)
            else:
                await self._pause()

    async def _look_around(self, buckets: Buckets, admin: AIOKafkaAdminClient, cluster: str) -> None:
        """Own a fair share, and bring to the cluster what it lacks of it, before anything newer is sent."""
        if await cluster_id(admin) != cluster:
            raise ReplacedClusterError(f"another cluster than {cluster} answers")
        await buckets.share()
        if forgotten := await buckets.forgotten(cluster):
            made = await ensure(
                self._bootstrap, embedded=self._embedded, security=self._security, **self._copies
            )
            queued = await buckets.bring_back(cluster, forgotten, self._clock.now())
            log.info("new cluster", cluster=cluster, buckets=len(forgotten), topics=len(made), queued=queued)
            self._look_again_at = _seconds() + LOOK_AGAIN_AFTER_S
        elif self._look_again_at is not None and _seconds() >= self._look_again_at:
            # A consumer that kept its old place in a partition may have passed over the first of what was refilled.
            self._look_again_at = None
            await buckets.bring_back(cluster, buckets.owned, self._clock.now())

    async def _send(self, buckets: Buckets, producer: AIOKafkaProducer, waiting: Sequence[Outgoing]) -> None:
        taken, error = await send(producer, waiting)
        await buckets.done(taken)
        failed = {message.bucket for message in waiting if message.id not in taken}
        if not failed:
            return
        if taken:
            # The rest of the cluster works: it must not wait for what does not.
            self._rests_until |= dict.fromkeys(failed, _seconds() + REST_S)
        raise UnsentError(f"Kafka took {len(taken)} of {len(waiting)} messages: {error}")

    def _resting(self) -> set[int]:
        self._rests_until = {bucket: end for bucket, end in self._rests_until.items() if end > _seconds()}
        return set(self._rests_until)

    async def _pause(self) -> None:
        await _wait_for(self._wanted, BUSY_POLL_S if _seconds() < self._busy_until else IDLE_POLL_S)
        self._wanted.clear()


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _seconds() -> float:
    return asyncio.get_running_loop().time()
