"""Sending with a raw producer, the fast way: many at once, each in its order, none waited for too long."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from dispatch.security import UNSECURED, Security
from dispatch.services.publishing.outbox import Outgoing
from dispatch.storage.pool import describe

SEND_PATIENCE_S = 5.0
CLOSE_PATIENCE_S = 1.0


@asynccontextmanager
async def open_producer(
    bootstrap: str, *, idempotent: bool, security: Security = UNSECURED
) -> AsyncIterator[AIOKafkaProducer]:
    """Connect a producer that is dropped with all that it has not sent."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="renfort-relay",
        acks="all",
        enable_idempotence=idempotent,
        max_batch_size=131_072,
        partitioner=partition_of,
        request_timeout_ms=int(SEND_PATIENCE_S * 1000),
        **security.arguments,
    )
    try:
        async with asyncio.timeout(SEND_PATIENCE_S):
            await producer.start()
        yield producer
    finally:
        await _abandon(producer)


@lru_cache(maxsize=4096)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFF_FFFF


def partition_of(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """Put a key where every Kafka client puts it.

    An incident's events come in a row, and in Python its hash costs as much as the rest of a send: so it is kept.
    """
    return partitions[_hash(key) % len(partitions)]


async def _abandon(producer: AIOKafkaProducer) -> None:
    # Its own stop() first sends what is left, for as long as that takes, and where it is cut short the sender
    # goes on: old messages would reach a new cluster after newer ones. So end the sender and flush nothing.
    producer._closed = True  # noqa: SLF001 - or it complains that stop() was not called
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_PATIENCE_S):
            await producer._sender.close()  # noqa: SLF001
    await producer.client.close()


async def send(producer: AIOKafkaProducer, waiting: Sequence[Outgoing]) -> tuple[set[int], str]:
    """Send messages in order; return the ids of those that all replicas in sync have, and the first error.

    Where a message is refused, what comes after it in its bucket is not tried.
    """
    futures: dict[Future[object], int] = {}
    errors: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(SEND_PATIENCE_S):
            await _hand_over(producer, waiting, futures, errors)
    if futures:
        _, late = await asyncio.wait(futures, timeout=SEND_PATIENCE_S)
        for future in late:
            future.cancel()
    errors += [describe(error) for future in futures if (error := _error_of(future))]
    return {id_ for future, id_ in futures.items() if not _error_of(future)}, next(iter(errors), "no answer")


async def _hand_over(
    producer: AIOKafkaProducer,
    waiting: Sequence[Outgoing],
    futures: dict[Future[object], int],
    errors: list[str],
) -> None:
    refused: set[int] = set()
    for message in waiting:
        if message.bucket in refused:
            continue
        try:
            future = await producer.send(
                message.topic, message.body, key=message.key, headers=message.headers
            )
        except KafkaError as error:
            refused.add(message.bucket)
            errors.append(describe(error))
        else:
            futures[future] = message.id


def _error_of(future: Future[object]) -> BaseException | None:
    if future.cancelled() or not future.done():
        return TimeoutError("no answer")
    return future.exception()
