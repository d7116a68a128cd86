"""A relay under test: what it published, and when it has published all."""

from collections import defaultdict
from collections.abc import Callable

import asyncpg
from aiokafka import AIOKafkaConsumer

from dispatch.embedded import EmbeddedBroker
from producers.kafka.relay import Relay
from tests.support.site import TOPIC, append_events, entry, until

Begin = Callable[..., Relay]


async def ready(relay: Relay) -> None:
    async def is_ready() -> bool:
        return relay.ready

    await until(is_ready)


async def published(broker: EmbeddedBroker) -> dict[int, list[int]]:
    """Read the whole topic: for each subject, the places of its events in their order of first arrival."""
    subjects = {entry(number).key.encode(): number for number in range(100)}
    heard: dict[int, list[int]] = defaultdict(list)
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    await consumer.start()
    ends = await consumer.end_offsets(consumer.assignment())
    for partition, end in ends.items():
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(partition, timeout_ms=100)).values():
                for record in records:
                    place = int(dict(record.headers)["ce_sequence"])
                    if place not in heard[subjects[record.key]]:
                        heard[subjects[record.key]].append(place)
    await consumer.stop()
    return dict(heard)


async def outbox_holds(pool: asyncpg.Pool, count: int) -> None:
    async def holds() -> bool:
        return bool(await pool.fetchval("SELECT count(*) FROM outbox") == count)

    await until(holds)


async def write(pool: asyncpg.Pool, subjects: range, times: int) -> None:
    for _ in range(times):
        await append_events(pool, *subjects)
