"""The relay: in order per key, whatever fails; several share the work; nothing waits for what is broken."""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker
from dispatch.services.publishing.outbox import Buckets
from dispatch.services.subscriptions import READERS
from dispatch.storage.journal import append
from dispatch.storage.pool import transaction
from producers.kafka import producer
from producers.kafka import relay as relays
from producers.kafka.relay import Relay
from tests.conftest import START
from tests.support.site import TOPIC, append_events, entry, until

MANY, BLOCKS = 20_000, 1_000
"""Messages that wait, and how many blocks of indexes a round may touch."""
FULL = f"""
    WITH written AS (
        INSERT INTO journal (xid, organisation, mode, stream, seq, event_id, topic, type, bucket, key, headers, body,
                             prev_hash, hash, recorded_at)
        SELECT n::text::xid8, gen_random_uuid(), 'actual', gen_random_uuid(), 1, gen_random_uuid(),
               'incident.events', 'x', n % 64, '', '[]', '', decode(repeat('00', 32), 'hex'),
               decode(md5(n::text) || md5(n::text), 'hex'), $1
        FROM generate_series(1, {MANY}) AS n
        RETURNING id, bucket
    )
    INSERT INTO outbox (bucket, position) SELECT bucket, id FROM written ORDER BY id
"""
READ = "SELECT sum(idx_blks_hit + idx_blks_read) FROM pg_statio_all_indexes WHERE relname = 'journal'"

Begin = Callable[..., Relay]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
async def relay_on(database: str, broker: EmbeddedBroker, clock: MovableClock) -> AsyncIterator[Begin]:
    running: list[Relay] = []

    def begin(**options: Any) -> Relay:  # noqa: ANN401 - of a relay
        relay = Relay(database, broker.address, clock, READERS, embedded=True, **options)
        tasks.append(asyncio.create_task(relay.run()))
        running.append(relay)
        return relay

    tasks: list[asyncio.Task[None]] = []
    yield begin
    await asyncio.gather(*(relay.stop() for relay in running))


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


async def test_events_of_a_key_leave_in_order_while_many_write_at_once(
    pool: asyncpg.Pool, broker: EmbeddedBroker, relay_on: Begin
) -> None:
    relay_on()
    await asyncio.gather(*(write(pool, range(20), 10) for _ in range(5)))
    await outbox_holds(pool, 0)
    assert await published(broker) == {subject: list(range(1, 51)) for subject in range(20)}


async def test_a_message_that_kafka_rejects_delays_only_its_bucket(
    pool: asyncpg.Pool,
    broker: EmbeddedBroker,
    relay_on: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relays, "BUCKET_PAUSE_S", 0.1)
    await write(pool, range(5), 2)
    body = await pool.fetchval("SELECT body FROM journal WHERE stream = $1 AND seq = 1", entry(3).stream)
    await set_body(pool, 3, b"x" * 2_000_000)
    await ready(relay_on())
    await write(pool, range(5), 1)
    await outbox_holds(pool, 3)
    expected = {subject: [1, 2, 3] for subject in range(5) if subject != 3}
    assert await published(broker) == expected
    await set_body(pool, 3, body)
    await outbox_holds(pool, 0)
    assert await published(broker) == expected | {3: [1, 2, 3]}


async def set_body(pool: asyncpg.Pool, subject: int, body: bytes) -> None:
    await pool.execute(
        "UPDATE journal SET body = $2 WHERE stream = $1 AND seq = 1", entry(subject).stream, body
    )


async def test_sends_to_a_frozen_broker_time_out_and_arrive_in_order_once_it_answers(
    pool: asyncpg.Pool,
    broker: EmbeddedBroker,
    relay_on: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producer, "SEND_TIMEOUT_S", 0.3)
    relay = relay_on()
    await ready(relay)
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    await write(pool, range(5), 4)

    async def gave_up() -> bool:
        return not relay.ready

    await until(gave_up)
    await write(pool, range(5), 4)
    os.kill(broker.pid, signal.SIGCONT)
    await outbox_holds(pool, 0)
    assert await published(broker) == {subject: list(range(1, 9)) for subject in range(5)}


async def test_a_relay_that_loses_its_session_takes_its_buckets_again(
    pool: asyncpg.Pool, broker: EmbeddedBroker, relay_on: Begin
) -> None:
    await ready(relay_on())
    for _ in range(3):
        await write(pool, range(10), 2)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'renfort relay' "
            "AND datname = current_database()"
        )
    await outbox_holds(pool, 0)
    assert await published(broker) == {subject: list(range(1, 7)) for subject in range(10)}


async def test_a_relay_waits_for_a_broker_that_is_absent_at_start(
    pool: asyncpg.Pool, broker: EmbeddedBroker, relay_on: Begin
) -> None:
    await broker.stop()
    relay = relay_on()
    await write(pool, range(3), 1)
    await asyncio.sleep(0.3)
    assert not relay.ready
    await broker.start()
    await outbox_holds(pool, 0)
    assert relay.ready


async def test_a_running_relay_detects_a_replaced_cluster(
    pool: asyncpg.Pool, broker: EmbeddedBroker, relay_on: Begin
) -> None:
    relay_on()
    await write(pool, range(10), 5)
    await outbox_holds(pool, 0)
    await broker.start()
    await write(pool, range(10), 5)

    async def all_are_back() -> bool:
        return await published(broker) == {subject: list(range(1, 11)) for subject in range(10)}

    await until(all_are_back)


async def test_a_commit_that_wakes_the_relay_is_published_at_once(
    pool: asyncpg.Pool, relay_on: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "IDLE_POLL_S", 60)
    relay = relay_on()
    await ready(relay)
    await asyncio.sleep(0.1)
    await append_events(pool, 1)
    await asyncio.sleep(0.2)
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1
    relay.wake()
    await outbox_holds(pool, 0)


async def test_the_relay_names_the_topics_on_which_it_published(pool: asyncpg.Pool, relay_on: Begin) -> None:
    topics: set[str] = set()
    relay_on(on_published=topics.update)
    await append_events(pool, 1)
    await outbox_holds(pool, 0)
    assert topics == {TOPIC}


async def test_two_relays_share_the_buckets_and_one_takes_all_when_the_other_ends(database: str) -> None:
    async with Buckets.connect(database, READERS) as survivor:
        await survivor.rebalance()
        assert len(survivor.owned) == 64
        async with Buckets.connect(database, READERS) as mortal:
            await survivor.rebalance()
            await mortal.rebalance()
            assert len(survivor.owned) == len(mortal.owned) == 32
            assert not survivor.owned & mortal.owned
        await survivor.rebalance()
        assert len(survivor.owned) == 64


async def test_three_relays_leave_no_bucket_alone(database: str) -> None:
    async with (
        Buckets.connect(database, READERS) as one,
        Buckets.connect(database, READERS) as two,
        Buckets.connect(database, READERS) as three,
    ):
        for _ in range(2):
            for buckets in (one, two, three):
                await buckets.rebalance()
        assert sorted([*one.owned, *two.owned, *three.owned]) == list(range(64))
        assert max(len(buckets.owned) for buckets in (one, two, three)) == 22


async def test_two_relays_publish_each_key_in_order_while_one_of_them_dies(
    pool: asyncpg.Pool, broker: EmbeddedBroker, relay_on: Begin
) -> None:
    first, second = relay_on(), relay_on()
    await ready(first)
    await ready(second)
    writing = asyncio.create_task(write(pool, range(20), 40))
    await asyncio.sleep(0.1)
    await first.stop()
    await writing
    await outbox_holds(pool, 0)
    assert await published(broker) == {subject: list(range(1, 41)) for subject in range(20)}


async def test_a_round_publishes_the_most_severe_first_and_a_fifth_of_the_oldest(
    pool: asyncpg.Pool, database: str
) -> None:
    severe = [replace(entry(number), rank=0) for number in range(50, 62)]
    async with transaction(pool) as connection:
        await append(connection, [entry(number) for number in range(20)], START)
        await append(connection, severe, START)
    async with Buckets.connect(database, READERS) as buckets:
        await buckets.rebalance()
        found = [message.key.decode() for message in await buckets.fetch(10)]
    assert found == [one.key for one in (*severe[:8], entry(0), entry(1))]


async def test_the_outbox_query_is_planned_anew_once_the_outbox_is_full(
    database: str, pool: asyncpg.Pool
) -> None:
    await pool.execute("ANALYZE journal, outbox")
    async with Buckets.connect(database, READERS) as buckets:
        await buckets.rebalance()
        assert not await buckets.fetch(100)
        await pool.execute(FULL, START)
        before = await pool.fetchval(READ)
        assert len(await buckets.fetch(100)) == 80
    assert await pool.fetchval(READ) - before < BLOCKS
