"""Batches that Kafka does not store: they delay their own partition alone, and its order holds."""

import asyncio
from collections import Counter

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from dispatch.embedded import EmbeddedBroker
from dispatch.services.publishing.outbox import Buckets
from dispatch.services.subscriptions import READERS
from producers.kafka import producer
from producers.kafka.topics import ensure
from tests.support.relays import Begin, outbox_holds, published, write


async def test_after_a_batch_that_fails_the_later_ones_of_its_partition_wait(
    pool: asyncpg.Pool, broker: EmbeddedBroker, relay_on: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "BATCH_BYTES", 2_000)
    batches: Counter[int] = Counter()
    whole = AIOKafkaProducer.send_batch

    async def failing(self: AIOKafkaProducer, batch: object, topic: str, *, partition: int) -> object:
        batches[partition] += 1
        if batches[partition] != 2:
            return await whole(self, batch, topic, partition=partition)
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(KafkaError("rejected"))
        return failed

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", failing)
    await write(pool, range(20), 10)
    relay_on()
    await outbox_holds(pool, 0)
    assert await published(broker) == {subject: list(range(1, 11)) for subject in range(20)}
    assert min(batches.values()) > 2


async def test_a_batch_that_fails_delays_no_other_partition(
    pool: asyncpg.Pool, database: str, broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ensure(broker.address, embedded=True, replication=1, min_insync=1)
    await write(pool, range(20), 1)
    whole = AIOKafkaProducer.send_batch

    async def failing(self: AIOKafkaProducer, batch: object, topic: str, *, partition: int) -> object:
        if partition == 0:
            raise KafkaError("rejected")
        return await whole(self, batch, topic, partition=partition)

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", failing)
    async with (
        Buckets.connect(database, READERS) as buckets,
        producer.open_producer(broker.address, idempotent=False) as kafka,
    ):
        await buckets.rebalance()
        messages = await buckets.fetch(100)
        stored, error = await producer.send(kafka, messages)
    here = {message.id for message in messages if producer.partition_of(message.key, range(12)) == 0}
    assert here
    assert stored == {message.id for message in messages} - here
    assert error == "KafkaError: KafkaError: rejected"
