"""Publish with a raw aiokafka producer: batches built by hand, in order per partition, with time limits."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from dispatch.kafka_security import UNSECURED, Security
from dispatch.services.core.event_loop import seconds
from dispatch.services.publishing.outbox import OutboxMessage
from dispatch.storage.pool import describe
from schemas.envelope import unpack

SEND_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0
BATCH_BYTES = 131_072
LARGEST_MESSAGE = 1_048_576
"""Kafka stores no message of more bytes, unless it is configured to."""


class Batch(NamedTuple):
    """Messages of one partition, which Kafka stores all or not at all."""

    builder: BatchBuilder
    ids: list[int]

    def add(self, message: OutboxMessage) -> bool:
        """Add a message, unless the batch is full; the first one always fits."""
        added = self.builder.append(
            timestamp=None, key=message.key, value=message.body, headers=unpack(message.headers)
        )
        if added is not None:
            self.ids.append(message.id)
        return added is not None


Queues = dict[TopicPartition, list[Batch]]


@asynccontextmanager
async def open_producer(
    bootstrap: str, *, idempotent: bool, security: Security = UNSECURED
) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer; closing it discards every message that it has not sent."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="renfort-relay",
        acks="all",
        enable_idempotence=idempotent,
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=int(SEND_TIMEOUT_S * 1000),
        **security.arguments,
    )
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await producer.start()
        yield producer
    finally:
        await _discard(producer)


@lru_cache(maxsize=4096)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFF_FFFF


def partition_of(key: bytes, partitions: Sequence[int]) -> int:
    """Return the partition, of all of a topic in order, that every Kafka client chooses for this key.

    The hash is cached: it costs as much as the rest of a send in Python, and an incident's events come in a row.
    """
    return partitions[_hash(key) % len(partitions)]


async def _discard(producer: AIOKafkaProducer) -> None:
    # aiokafka's stop() first flushes, for as long as that takes, and when it is cancelled the sender goes on: old
    # messages would reach a new cluster after newer ones. So close the sender without flushing.
    producer._closed = True  # noqa: SLF001 - or aiokafka warns that stop() was not called
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer._sender.close()  # noqa: SLF001
    await producer.client.close()


async def send(producer: AIOKafkaProducer, messages: Sequence[OutboxMessage]) -> tuple[set[int], str]:
    """Send messages in order; return the ids of those that all in-sync replicas stored, and the first error.

    A partition has one batch in flight: after one that fails, its later messages are not sent. After a message that
    is too large, the later ones of its bucket are not sent.
    """
    stored: set[int] = set()
    errors: list[str] = []
    queues = _queues(producer, messages, await _partitions(producer, messages, errors), errors)
    end = seconds() + SEND_TIMEOUT_S
    while queues:
        futures = await _submit(producer, queues, errors)
        await _wait(futures, end)
        queues = _remaining(queues, futures, stored, errors)
    return stored, next(iter(errors), "no answer")


async def _partitions(
    producer: AIOKafkaProducer, messages: Sequence[OutboxMessage], errors: list[str]
) -> dict[str, list[int]]:
    """Return the partitions of the topics that Kafka knows."""
    found: dict[str, list[int]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            for topic in dict.fromkeys(message.topic for message in messages):
                try:
                    found[topic] = sorted(await producer.partitions_for(topic))
                except KafkaError as error:
                    errors.append(describe(error))
    return found


def _queues(
    producer: AIOKafkaProducer,
    messages: Sequence[OutboxMessage],
    partitions: Mapping[str, Sequence[int]],
    errors: list[str],
) -> Queues:
    """Return the batches of each partition, in order."""
    queues: Queues = {}
    failed: set[int] = set()
    for message in messages:
        if message.bucket in failed or message.topic not in partitions:
            continue
        if message.size > LARGEST_MESSAGE:
            failed.add(message.bucket)
            errors.append(f"a message of {message.size} bytes on {message.topic} is too large")
            continue
        place = TopicPartition(message.topic, partition_of(message.key, partitions[message.topic]))
        queue = queues.setdefault(place, [])
        if not queue or not queue[-1].add(message):
            queue.append(Batch(producer.create_batch(), []))
            queue[-1].add(message)
    return queues


async def _submit(
    producer: AIOKafkaProducer, queues: Queues, errors: list[str]
) -> dict[Future[object], TopicPartition]:
    """Hand the first batch of each partition to the producer."""
    futures: dict[Future[object], TopicPartition] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            for place, (batch, *_) in queues.items():
                try:
                    future = await producer.send_batch(batch.builder, place.topic, partition=place.partition)
                except KafkaError as error:
                    errors.append(describe(error))
                else:
                    futures[future] = place
    return futures


async def _wait(futures: Collection[Future[object]], end: float) -> None:
    if futures:
        _, late = await asyncio.wait(futures, timeout=end - seconds())
        for future in late:
            future.cancel()


def _remaining(
    queues: Queues, futures: Mapping[Future[object], TopicPartition], stored: set[int], errors: list[str]
) -> Queues:
    """Record what became of the first batches; return what may be sent after them."""
    remaining: Queues = {}
    for future, place in futures.items():
        first, *rest = queues[place]
        if error := _error_of(future):
            errors.append(describe(error))
            continue
        stored.update(first.ids)
        if rest:
            remaining[place] = rest
    return remaining


def _error_of(future: Future[object]) -> BaseException | None:
    if future.cancelled() or not future.done():
        return TimeoutError("no answer")
    return future.exception()
