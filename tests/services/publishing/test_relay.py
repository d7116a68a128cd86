"""The relay: in order per key, whatever fails; several share the work; nothing waits for what is broken."""

import asyncio
import os
import signal

import asyncpg
import pytest

from dispatch.embedded import EmbeddedBroker
from dispatch.services.publishing.outbox import Buckets
from dispatch.services.subscriptions import READERS
from producers.kafka import producer
from producers.kafka import relay as relays
from tests.support.relays import Begin, outbox_holds, published, ready, write
from tests.support.site import entry, until


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
