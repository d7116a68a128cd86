"""The relay: publishes the rows of the outbox to Kafka, in order per key and at least once."""

import asyncio
from collections.abc import Callable, Collection, Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from dispatch.clock import Clock
from dispatch.domain.counting import counted
from dispatch.kafka_security import UNSECURED, Security
from dispatch.services.core.error_classification import is_transient, log_fields
from dispatch.services.core.event_loop import seconds, wait_for
from dispatch.services.publishing.outbox import Buckets, OutboxMessage, Readers
from producers.kafka.errors import ReplacedClusterError, UnsentError
from producers.kafka.producer import open_producer, send
from producers.kafka.topics import administration, cluster_id, ensure, lost_topics

BATCH_SIZE = 300
"""Messages in one round: a severe one waits until the round before it is sent, some 10 ms. Rounds of 500 cost less per
message, but then it waits twice as long."""
FULL = BATCH_SIZE - BATCH_SIZE // 5
"""A round of fewer messages leaves none behind: the oldest, a fifth, may be among the most severe."""
BUSY_POLL_S, IDLE_POLL_S, BUSY_FOR_S = 0.003, 0.05, 1.0
REBALANCE_EVERY_S = 1.0
STOP_TIMEOUT_S = 1.0
BUCKET_PAUSE_S = 2.0
"""How long a bucket whose messages Kafka rejected is passed over, while others are published."""
REPUBLISH_AGAIN_AFTER_S = 15.0
MIN_BACKOFF_S, MAX_BACKOFF_S = 0.1, 2.0

log = structlog.get_logger()


class Relay:
    """One of any number of relays of a database; each owns a share of the buckets."""

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
        idle_s: Callable[[], float] = lambda: IDLE_POLL_S,
        on_published: Callable[[Collection[str]], None] = lambda _topics: None,
    ) -> None:
        """Take the longest pause while this process commits nothing, and the function to call with published topics."""
        self.ready = False
        self._idle_s = idle_s
        self._on_published = on_published
        self._dsn = dsn
        self._bootstrap = bootstrap
        self._clock = clock
        self._readers = readers
        self._embedded = embedded
        self._security = security
        self._topic_options = {"replication": replication, "min_insync": min_insync}
        self._wakened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._busy_until = 0.0
        self._polls = True
        self._republish_at: float | None = None
        self._paused_until: dict[int, float] = {}

    def wake(self) -> None:
        """Poll the outbox now: rows were just committed."""
        self._wakened.set()

    async def run(self) -> None:
        """Relay until stopped, in a task of its own; after an error, start again with new connections."""
        self._task = asyncio.current_task()
        wait = MIN_BACKOFF_S
        while not self._stopping.is_set():
            try:
                await self._session()
            except Exception as error:
                log.warning("the relay restarts", **log_fields(error), exc_info=not is_transient(error))
            wait = MIN_BACKOFF_S if self.ready else min(wait * 2, MAX_BACKOFF_S)
            self.ready = False
            await wait_for(self._stopping, wait)

    async def stop(self) -> None:
        """Finish the current batch, or cancel it after a second: rows that it did not delete are published again."""
        self._stopping.set()
        self.wake()
        if self._task is not None and not self._task.done():
            _, late = await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)
            for task in late:
                task.cancel()
                await asyncio.wait({task})

    async def _session(self) -> None:
        async with (
            Buckets.connect(self._dsn, self._readers) as buckets,
            administration(self._bootstrap, self._security) as admin,
        ):
            cluster = await cluster_id(admin)
            await self._rebalance(buckets, admin, cluster)
            async with open_producer(
                self._bootstrap, idempotent=not self._embedded, security=self._security
            ) as producer:
                self.ready = True
                await self._publish(buckets, admin, producer, cluster)

    async def _publish(
        self, buckets: Buckets, admin: AIOKafkaAdminClient, producer: AIOKafkaProducer, cluster: str
    ) -> None:
        rebalanced = seconds()
        while not self._stopping.is_set():
            if seconds() - rebalanced >= REBALANCE_EVERY_S:
                await self._rebalance(buckets, admin, cluster)
                rebalanced = seconds()
            self._wakened.clear()
            messages = await buckets.fetch(BATCH_SIZE, excluding=self._paused_buckets())
            for part in _by_urgency(messages):
                await self._send(buckets, producer, part)
            if len(messages) < FULL:
                await self._pause(found=bool(messages))

    async def _rebalance(self, buckets: Buckets, admin: AIOKafkaAdminClient, cluster: str) -> None:
        """Own a fair share of the buckets; republish what a new cluster lacks of them before newer messages."""
        if await cluster_id(admin) != cluster:
            raise ReplacedClusterError(f"a cluster other than {cluster} answers")
        await buckets.rebalance()
        unrecovered = await buckets.unrecovered(cluster)
        if not unrecovered and self._embedded and (lost := await lost_topics(admin)):
            # Any process on this computer may do that. What was in them and is unread is as lost as with a cluster.
            log.error("topics of the embedded broker were deleted; creating them again", topics=lost)
            unrecovered = set(buckets.owned)
        if unrecovered:
            created = await ensure(
                self._bootstrap, embedded=self._embedded, security=self._security, **self._topic_options
            )
            queued = await buckets.requeue_unread(cluster, unrecovered, self._clock.now())
            log.info(
                "new cluster", cluster=cluster, buckets=len(unrecovered), topics=len(created), queued=queued
            )
            self._republish_at = seconds() + REPUBLISH_AGAIN_AFTER_S
        elif self._republish_at is not None and seconds() >= self._republish_at:
            # A consumer that kept its old offset may have skipped the first of the republished messages.
            self._republish_at = None
            await buckets.requeue_unread(cluster, buckets.owned, self._clock.now())

    async def _send(
        self, buckets: Buckets, producer: AIOKafkaProducer, messages: Sequence[OutboxMessage]
    ) -> None:
        stored, error = await send(producer, messages)
        self._on_published({message.topic for message in messages if message.id in stored})
        await buckets.delete(stored)
        failed = {message.bucket for message in messages if message.id not in stored}
        if not failed:
            return
        if stored:
            # The rest of the cluster works: do not delay it for these buckets.
            self._paused_until |= dict.fromkeys(failed, seconds() + BUCKET_PAUSE_S)
        raise UnsentError(f"Kafka stored {len(stored)} of {counted(len(messages), 'message')}: {error}")

    def _paused_buckets(self) -> set[int]:
        self._paused_until = {bucket: end for bucket, end in self._paused_until.items() if end > seconds()}
        return set(self._paused_until)

    async def _pause(self, *, found: bool) -> None:
        """Wait for a commit in this process, or until it is time to poll for the commits of others.

        While polls find what others committed, they are frequent. What a commit of this process announced says nothing
        about others.
        """
        if found and self._polls:
            self._busy_until = seconds() + BUSY_FOR_S
        pause = BUSY_POLL_S if seconds() < self._busy_until else self._idle_s()
        woken = await wait_for(self._wakened, pause)
        self._polls = not woken


def _by_urgency(messages: Sequence[OutboxMessage]) -> list[Sequence[OutboxMessage]]:
    """Return what to send at a time: in a full round, the most severe messages before the others.

    Whatever one key has waiting is of one rank, so that its order holds.
    """
    first = [message for message in messages if message.rank == messages[0].rank]
    rest = messages[len(first) :]
    return [first, rest] if rest and len(messages) >= FULL else [messages] if messages else []
