"""Publish batches with a raw aiokafka producer: many messages in flight, in order per bucket, with time limits."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from dispatch.kafka_security import UNSECURED, Security
from dispatch.services.publishing.outbox import OutboxMessage
from dispatch.storage.pool import describe

SEND_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0


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
        max_batch_size=131_072,
        partitioner=partition_of,
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


def partition_of(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """Return the partition that every Kafka client chooses for this key.

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

    After a message that is rejected at once, the later ones of its bucket are not sent.
    """
    futures: dict[Future[object], int] = {}
    errors: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await _enqueue(producer, messages, futures, errors)
    if futures:
        _, late = await asyncio.wait(futures, timeout=SEND_TIMEOUT_S)
        for future in late:
            future.cancel()
    errors += [describe(error) for future in futures if (error := _error_of(future))]
    stored = {id_ for future, id_ in futures.items() if not _error_of(future)}
    return stored, next(iter(errors), "no answer")


async def _enqueue(
    producer: AIOKafkaProducer,
    messages: Sequence[OutboxMessage],
    futures: dict[Future[object], int],
    errors: list[str],
) -> None:
    failed: set[int] = set()
    for message in messages:
        if message.bucket in failed:
            continue
        try:
            future = await producer.send(
                message.topic, message.body, key=message.key, headers=message.headers
            )
        except KafkaError as error:
            failed.add(message.bucket)
            errors.append(describe(error))
        else:
            futures[future] = message.id


def _error_of(future: Future[object]) -> BaseException | None:
    if future.cancelled() or not future.done():
        return TimeoutError("no answer")
    return future.exception()
