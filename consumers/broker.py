"""Consumers on Kafka: one group per handler, whole batches, commits after effects, drained rebalances."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream._internal.endpoint.subscriber.utils import MultiLock
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from consumers.pacing import FetchIntervals
from consumers.reader import Reader
from consumers.records import readable
from dispatch.kafka_security import UNSECURED, Security
from schemas.decoding import Received, Unreadable

Batch = tuple[ConsumerRecord, ...]
Handler = Callable[[list[Received | Unreadable]], Awaitable[Mapping[int, int] | None]]
"""Handles a batch; returns the partitions that must wait, each with the offset to read again from."""

START_PATIENCE_S = 30.0
START_AGAIN_AFTER_S = 1.0
DRAIN_PATIENCE_S = 10.0
PAUSE_AFTER_ERROR_S = 0.5
CHECK_OFFSETS_EVERY_S = 3.0
PARTITION_FETCH_BYTES = 131_072
"""What is read ahead of a partition at most, some hundred records; a larger record is read alone.

aiokafka's own limit, 1 MB, lets consumers that fall behind fill 100 MB with a backlog that Kafka holds anyway.
"""
FETCH_LOOP_MS = 5_000  # aiokafka wakes so often even though nothing happened
READ_WAITING_AGAIN_AFTER_S = 5.0

log = structlog.get_logger()
errors = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumerProfile:
    """Timeouts that suit a cluster: for a lost member, a request, an empty fetch and a stop.

    A member that joined before its topic was created has no partitions until `metadata_max_age_ms` is over.
    `fetch_every_s` is the interval of empty fetches, where they should hardly wait in the broker. One that cannot
    authenticate its clients stores offsets that anybody may have committed.
    """

    session_timeout_ms: int
    heartbeat_interval_ms: int
    request_timeout_ms: int
    fetch_max_wait_ms: int
    graceful_timeout: float
    fetch_max_bytes: int = 1_048_576
    metadata_max_age_ms: int = 3_000
    fetch_every_s: float | None = None
    authenticates: bool = True


# The embedded broker admits a member after half a session, returns no record to a fetch that may not wait at all, and
# limits a partition by what the whole fetch may return. Its topics are created before a consumer starts.
EMBEDDED = ConsumerProfile(
    session_timeout_ms=3_000, heartbeat_interval_ms=1_000, request_timeout_ms=40_000, fetch_max_wait_ms=10,
    graceful_timeout=1, fetch_max_bytes=PARTITION_FETCH_BYTES, metadata_max_age_ms=60_000, fetch_every_s=0.05,
    authenticates=False,
)  # fmt: skip
# Where the relay of the same process alone publishes, it wakes the consumers: they hardly have to poll.
WOKEN = replace(EMBEDDED, fetch_max_wait_ms=2, fetch_every_s=1.0)
# A frozen broker is given up after one request. Joining a group may take as long as the others take to drain.
KAFKA = ConsumerProfile(
    session_timeout_ms=10_000, heartbeat_interval_ms=2_000, request_timeout_ms=15_000, fetch_max_wait_ms=500,
    graceful_timeout=20,
)  # fmt: skip


class Broker(KafkaBroker):
    """FastStream's broker, used for consuming only, with the timeouts that suit its cluster."""

    def __init__(
        self,
        bootstrap: str,
        profile: ConsumerProfile,
        security: Security = UNSECURED,
        idle_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(
            bootstrap.split(","),
            client_id="renfort",
            request_timeout_ms=profile.request_timeout_ms,
            metadata_max_age_ms=profile.metadata_max_age_ms,
            consumer_only=True,
            allow_auto_create_topics=False,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            graceful_timeout=profile.graceful_timeout,
            parser=_parse,
            decoder=_decode,
            apply_types=False,
            logger=errors,
            log_level=logging.DEBUG,
        )
        self.profile = profile
        self.listening: list[BatchSubscriber] = []
        self._settings = security.arguments
        if profile.fetch_every_s is not None:
            intervals = FetchIntervals(profile.fetch_every_s, idle_s)
            self._settings |= {"intervals": intervals}
        self._settings["trusts_commits"] = profile.authenticates

    def wake(self, topics: Collection[str]) -> None:
        """Fetch now from these topics: records were published there."""
        for subscriber in self.listening:
            if isinstance(subscriber.consumer, Reader) and not set(subscriber.topic_names).isdisjoint(topics):
                subscriber.consumer.wake()

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        builder = cast("partial[AIOKafkaConsumer]", await super()._connect())
        self.config.broker_config.builder = partial(Reader, **builder.keywords | self._settings)
        return self.config.broker_config.builder


class DrainOnRevoke(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Lets the current batch end, its commit included, before another member gets its partitions."""

    subscriber: BatchSubscriber | None = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Wait for the current batch, then commit what was handled."""
        if revoked and self.subscriber is not None and isinstance(self.subscriber.lock, MultiLock):
            await self.subscriber.lock.wait_release(DRAIN_PATIENCE_S)
            if isinstance(self.subscriber.consumer, Reader):
                await self.subscriber.consumer.commit_last()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin at the committed offset, where that can be trusted."""
        if self.subscriber is not None and isinstance(self.subscriber.consumer, Reader):
            self.subscriber.consumer.seek_reached(assigned)


def build(
    bootstrap: str,
    *,
    embedded: bool,
    woken: bool = False,
    security: Security = UNSECURED,
    idle_s: Callable[[], float] = lambda: 0.0,
) -> Broker:
    """Return a broker to subscribe handlers to; a woken one hardly polls, since `wake` announces every record.

    The embedded one is polled every `idle_s` seconds while nothing is published.
    """
    profile = WOKEN if woken else EMBEDDED
    return Broker(bootstrap, profile if embedded else KAFKA, security, idle_s)


def subscribe(
    broker: Broker, topic: str, group: str, handler: Handler, *, max_records: int = 100
) -> BatchSubscriber:
    """Call the handler with batches of a topic, for a group of its own.

    A batch is committed when the handler returns, and delivered again after a short pause when it raises.
    """
    drain = DrainOnRevoke()
    subscriber = broker.subscriber(
        topic,
        group_id=f"renfort.{group}",
        batch=True,
        max_records=max_records,
        batch_timeout_ms=10,
        auto_offset_reset="earliest",
        session_timeout_ms=broker.profile.session_timeout_ms,
        heartbeat_interval_ms=broker.profile.heartbeat_interval_ms,
        fetch_max_wait_ms=broker.profile.fetch_max_wait_ms,
        consumer_timeout_ms=FETCH_LOOP_MS,
        fetch_max_bytes=broker.profile.fetch_max_bytes,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        rebalance_timeout_ms=60_000,
        listener=drain,
    )
    subscriber(_paced(handler, topic, drain))
    drain.subscriber = subscriber
    broker.listening.append(subscriber)
    return subscriber


async def start(broker: Broker) -> None:
    """Join all groups at once, again and again until every subscriber has its partitions."""
    while not await _joined(broker):
        await stop(broker)
        await asyncio.sleep(START_AGAIN_AFTER_S)
    for subscriber in broker.listening:
        subscriber.add_task(_rewind_lost_offsets, (subscriber.consumer,))
        subscriber.add_task(_read_waiting_again, (subscriber.consumer,))


async def stop(broker: Broker) -> None:
    """Finish the current batches and leave all groups, as far as Kafka still answers."""
    try:
        await broker.stop()
    except* (KafkaError, OSError, TimeoutError) as failure:
        log.warning("Kafka did not answer while the groups were left", error=repr(failure.exceptions[0]))


async def _joined(broker: Broker) -> bool:
    # In sequence, each group would take its own joining time.
    joined = True
    try:
        async with asyncio.timeout(START_PATIENCE_S), asyncio.TaskGroup() as group:
            await broker.connect()
            for subscriber in broker.listening:
                group.create_task(subscriber.start())
    except* (KafkaError, OSError, TimeoutError) as failure:
        log.warning(
            "the consumer groups could not be joined; trying again", error=repr(failure.exceptions[0])
        )
        joined = False
    return joined


async def _rewind_lost_offsets(consumer: AIOKafkaConsumer) -> None:
    """Read a partition from its start where it ends before our position in it.

    A broker that lost its records should reject such a position; the embedded one waits for ever.
    """
    while True:
        await asyncio.sleep(CHECK_OFFSETS_EVERY_S)
        for place in consumer.assignment():
            end = consumer.highwater(place)
            with suppress(IllegalStateError):  # revoked meanwhile
                if end is not None and end < await consumer.position(place):
                    await consumer.seek_to_beginning(place)


async def _read_waiting_again(consumer: AIOKafkaConsumer) -> None:
    """Resume paused partitions now and then: what they wait for may be readable after an upgrade elsewhere."""
    while True:
        await asyncio.sleep(READ_WAITING_AGAIN_AFTER_S)
        consumer.resume(*consumer.paused())


def _pause(consumer: AIOKafkaConsumer, topic: str, waiting: Mapping[int, int]) -> None:
    """Let partitions wait, and the others go on: the commit that follows is up to the record that waits."""
    for partition, offset in waiting.items():
        place = TopicPartition(topic, partition)
        with suppress(IllegalStateError):  # revoked meanwhile
            consumer.seek(place, offset)
            consumer.pause(place)


def _paced(
    handler: Handler, topic: str, drain: DrainOnRevoke
) -> Callable[[list[Received | Unreadable]], Awaitable[None]]:
    async def handle(batch: list[Received | Unreadable]) -> None:
        try:
            waiting = await handler(batch) if batch else None
            if waiting and drain.subscriber is not None:
                _pause(drain.subscriber.consumer, topic, waiting)
        except Exception:  # whatever it is, the same batch is delivered again at once
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
            raise

    return handle


async def _parse(batch: Batch, original: Callable[[Batch], Awaitable[KafkaMessage]]) -> KafkaMessage:
    # FastStream's parser fails at a header that is no text, and skips what it fails at. Nothing reads what it parsed.
    message = await original((replace(batch[0], headers=()),))
    message.raw_message = batch
    return message


async def _decode(message: KafkaMessage) -> list[Received | Unreadable]:
    return readable(message.raw_message)


def _keep_place_only(entry: logging.LogRecord) -> bool:
    """Pass only errors, and reduce an exception to its class and place: its text may repeat personal data.

    FastStream also warns at every start that it creates no topics; producers.kafka.topics does that.
    """
    if entry.exc_info and (error := entry.exc_info[1]):
        place = traceback.extract_tb(error.__traceback__)[-1]
        entry.msg = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        entry.args, entry.exc_info, entry.exc_text = None, None, None
    return entry.levelno >= logging.ERROR


errors.addFilter(_keep_place_only)
