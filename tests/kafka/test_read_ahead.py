"""A consumer that falls behind leaves its backlog in Kafka, and holds little of it in memory."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from consumers import broker as groups
from consumers.broker import PARTITION_FETCH_BYTES, Broker
from dispatch.embedded import EmbeddedBroker
from producers.kafka.topics import ensure
from schemas.decoding import Received, Unreadable
from schemas.topics import BY_NAME
from tests.kafka.support.cluster import KafkaCluster
from tests.support.site import until

pytestmark = [pytest.mark.timeout(60)]
EVENTS = "incident.events"
PARTITIONS = BY_NAME[EVENTS].partitions
BODY = b"x" * 1000
BACKLOG = 1_000
"""The records of each partition: 12 MB in all."""


async def test_a_backlog_on_the_embedded_broker_stays_there(embedded: EmbeddedBroker) -> None:
    assert await read_ahead(groups.build(embedded.address, embedded=True), embedded.address) <= bound()


async def test_a_backlog_on_kafka_stays_there(blank: KafkaCluster) -> None:
    await ensure(blank.bootstrap)
    assert await read_ahead(groups.build(blank.bootstrap, embedded=False), blank.bootstrap) <= bound()


def bound() -> int:
    # A broker returns whole batches, so up to one more than was asked for.
    return 2 * PARTITIONS * PARTITION_FETCH_BYTES


async def read_ahead(broker: Broker, bootstrap: str) -> int:
    """Let a handler stall before a backlog; return the bytes of the records that were fetched and not handled."""
    stalled, handled = asyncio.Event(), asyncio.Event()

    async def handler(_batch: list[Received | Unreadable]) -> None:
        stalled.set()
        await handled.wait()

    await send_backlog(bootstrap)
    groups.subscribe(broker, EVENTS, "tests", handler)
    await groups.start(broker)
    await stalled.wait()
    (subscriber,) = broker.listening
    fetched = subscriber.consumer._fetcher._records  # type: ignore[union-attr]  # noqa: SLF001

    async def all_partitions() -> bool:
        return len(fetched) == PARTITIONS

    await until(all_partitions)
    size = sum(len(record.value) for one in fetched.values() for record in one._partition_records)  # noqa: SLF001
    handled.set()
    await groups.stop(broker)
    return size


async def send_backlog(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=32_768) as producer:
        for number in range(PARTITIONS * BACKLOG):
            await producer.send(EVENTS, BODY, partition=number % PARTITIONS)
