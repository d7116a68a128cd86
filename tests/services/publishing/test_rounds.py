"""Rounds of the relay: which messages each one publishes, when the next one follows, what it costs the database."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from dispatch.services.publishing.outbox import Buckets, OutboxMessage
from dispatch.services.subscriptions import READERS
from dispatch.storage.journal import append
from dispatch.storage.pool import transaction
from producers.kafka import producer
from producers.kafka import relay as relays
from tests.conftest import START
from tests.support.relays import Begin, outbox_holds, ready
from tests.support.site import TOPIC, append_events, entry

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


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the times at which the outbox was read."""
    times: list[float] = []
    fetch = Buckets.fetch

    async def counted(self: Buckets, limit: int, *, excluding: Collection[int] = ()) -> list[OutboxMessage]:
        times.append(asyncio.get_running_loop().time())
        return await fetch(self, limit, excluding=excluding)

    monkeypatch.setattr(Buckets, "fetch", counted)
    return times


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


async def test_a_full_round_sends_the_most_severe_before_all_others(
    pool: asyncpg.Pool, relay_on: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "BATCH_SIZE", 20)
    monkeypatch.setattr(relays, "FULL", 16)
    sent: list[list[int]] = []

    async def record(kafka: AIOKafkaProducer, messages: Sequence[OutboxMessage]) -> tuple[set[int], str]:
        sent.append([message.rank for message in messages])
        return await producer.send(kafka, messages)

    monkeypatch.setattr(relays, "send", record)
    await ready(relay_on())
    async with transaction(pool) as connection:
        await append(connection, [entry(number) for number in range(30)], START)
        await append(connection, [replace(entry(number), rank=0) for number in (50, 51, 52)], START)
    await outbox_holds(pool, 0)
    assert sent[0] == [0, 0, 0]
    assert {rank for ranks in sent[1:] for rank in ranks} == {1}


async def test_what_this_process_commits_is_published_without_frequent_polls(
    pool: asyncpg.Pool, relay_on: Begin, polls: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "IDLE_POLL_S", 60)
    relay = relay_on()
    await ready(relay)
    for number in range(5):
        await append_events(pool, number)
        relay.wake()
        await outbox_holds(pool, 0)
    polls.clear()
    await asyncio.sleep(0.3)
    assert polls == []


async def test_what_another_process_commits_makes_polls_frequent(
    pool: asyncpg.Pool, relay_on: Begin, polls: list[float]
) -> None:
    await ready(relay_on())
    await append_events(pool, 1)
    await outbox_holds(pool, 0)
    before = len(polls)
    await asyncio.sleep(0.5)
    assert len(polls) - before > 2 * 0.5 / relays.IDLE_POLL_S


async def test_what_is_committed_during_a_round_follows_it_at_once(
    pool: asyncpg.Pool, relay_on: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "IDLE_POLL_S", 60)
    relay = relay_on()
    await ready(relay)

    async def commit_another(
        kafka: AIOKafkaProducer, messages: Sequence[OutboxMessage]
    ) -> tuple[set[int], str]:
        monkeypatch.setattr(relays, "send", producer.send)
        await append_events(pool, 2)
        relay.wake()
        return await producer.send(kafka, messages)

    monkeypatch.setattr(relays, "send", commit_another)
    await append_events(pool, 1)
    relay.wake()
    await outbox_holds(pool, 0)


async def test_the_outbox_is_read_by_index_once_it_is_full_though_it_was_planned_while_it_was_empty(
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
