"""A broker that forgot: killed with SIGKILL, it comes back empty under another id, and nothing is lost."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from consumers import broker as groups
from dispatch.clock import MovableClock
from dispatch.services.publishing.outbox import RECOVERY_WINDOW, Buckets
from dispatch.services.subscriptions import READERS
from dispatch.storage import inbox
from dispatch.storage.journal import append
from dispatch.storage.pool import transaction
from producers.kafka.topics import administration, lost_topics
from schemas.envelope import unpack
from schemas.topics import HORIZON_DAYS, INBOX_DAYS, TOPICS
from tests.conftest import START
from tests.support.site import READER, TOPIC, Site, append_events, entry, until

KILLS = 3
SUBJECTS = 40


@pytest.fixture
async def buckets(database: str) -> AsyncIterator[Buckets]:
    async with Buckets.connect(database, READERS) as buckets:
        await buckets.rebalance()
        yield buckets


@pytest.fixture
async def site(pool: asyncpg.Pool, database: str, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(pool, database, clock, tmp_path / "broker")
    await site.start()
    yield site
    await site.stop()


async def write_for_ever(pool: asyncpg.Pool, seed: int) -> None:
    chance = random.Random(seed)
    while True:
        await append_events(pool, *chance.sample(range(SUBJECTS), 5))
        await asyncio.sleep(0.02)


async def test_nothing_is_lost_or_done_twice_when_the_broker_is_killed_again_and_again(site: Site) -> None:
    site.slowness = 0.05
    writers = [asyncio.create_task(write_for_ever(site.pool, seed)) for seed in range(3)]
    for _ in range(KILLS):
        await asyncio.sleep(0.5)
        assert await site.unread() > 0
        await site.crash()
    for writer in writers:
        writer.cancel()
    site.slowness = 0
    await until(site.all_read)
    order = defaultdict(list)
    for subject, seq in await site.effects():
        order[subject].append(seq)
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in order.values())


async def test_unread_events_of_a_topic_that_somebody_deleted_are_republished(site: Site) -> None:
    await groups.stop(site.groups)
    await append_events(site.pool, *range(SUBJECTS))
    await until(lambda: nothing_waits(site.pool))
    async with administration(site.broker.address) as admin:
        await admin.delete_topics([TOPIC])

        async def all_are_back() -> bool:
            return not await lost_topics(admin)

        await until(all_are_back)
    await site.subscribe()
    await until(site.all_read)


async def test_offsets_that_a_stranger_commits_hide_no_event(site: Site) -> None:
    site.relay._republish_at = None  # noqa: SLF001 - soon after its start it would publish them again
    await append_events(site.pool, 1)
    await until(site.all_read)
    stranger = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=site.broker.address, group_id=f"renfort.{READER}",
        enable_auto_commit=False, session_timeout_ms=3_000, heartbeat_interval_ms=1_000,
    )  # fmt: skip
    await stranger.start()

    async def has_taken_some() -> bool:
        return bool(stranger.assignment())

    await until(has_taken_some)
    await append_events(site.pool, *range(SUBJECTS))
    await until(lambda: nothing_waits(site.pool))
    await stranger.commit(await stranger.end_offsets(stranger.assignment()))
    assert await site.unread() > 0
    await stranger.stop()
    await until(site.all_read)


async def nothing_waits(pool: asyncpg.Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM outbox")


async def test_only_events_missing_from_a_readers_inbox_are_republished(
    pool: asyncpg.Pool, buckets: Buckets
) -> None:
    await append_events(pool, 1, 2, 3)
    await publish_all(buckets)
    await take_in(pool, subject=2)
    await buckets.requeue_unread("new", buckets.owned, START)
    assert await waiting(buckets) == [(1, 1), (3, 1)]


async def test_events_older_than_the_recovery_window_are_not_republished(
    pool: asyncpg.Pool, buckets: Buckets
) -> None:
    await append_events(pool, 1, now=START)
    await append_events(pool, 2, now=START + timedelta(seconds=2))
    await publish_all(buckets)
    await buckets.requeue_unread("new", buckets.owned, START + RECOVERY_WINDOW + timedelta(seconds=1))
    assert await waiting(buckets) == [(2, 1)]


async def test_messages_in_the_outbox_stay_there_whatever_their_age(
    pool: asyncpg.Pool, buckets: Buckets
) -> None:
    await append_events(pool, 1)
    await buckets.requeue_unread("new", buckets.owned, START + 2 * RECOVERY_WINDOW)
    assert await waiting(buckets) == [(1, 1)]


async def test_republished_events_precede_newer_ones(pool: asyncpg.Pool, buckets: Buckets) -> None:
    await append_events(pool, 1, 2)
    await publish_all(buckets)
    await append_events(pool, 1, 2)
    await buckets.requeue_unread("new", buckets.owned, START)
    await append_events(pool, 2, 1)
    assert await waiting(buckets) == [(1, 1), (2, 1), (1, 2), (2, 2), (2, 3), (1, 3)]


async def test_republished_events_precede_those_of_concurrent_transactions(
    pool: asyncpg.Pool, buckets: Buckets
) -> None:
    await append_events(pool, 1)
    await publish_all(buckets)
    async with transaction(pool) as connection:
        await append(connection, [entry(1)], START)
        await buckets.requeue_unread("new", buckets.owned, START)
    assert await waiting(buckets) == [(1, 1), (1, 2)]


async def test_a_second_new_cluster_during_recovery_receives_everything_once(
    pool: asyncpg.Pool, buckets: Buckets
) -> None:
    await append_events(pool, 1, 2, 3)
    await publish_all(buckets)
    await buckets.requeue_unread("second", buckets.owned, START)
    await publish_all(buckets, limit=1)
    await buckets.requeue_unread("third", buckets.owned, START)
    assert await waiting(buckets) == [(1, 1), (2, 1), (3, 1)]


async def test_a_bucket_is_requeued_once_per_cluster(buckets: Buckets) -> None:
    assert await buckets.unrecovered("new") == buckets.owned == set(range(64))
    await buckets.requeue_unread("new", {1, 2}, START)
    assert await buckets.unrecovered("new") == set(range(64)) - {1, 2}


async def test_a_cluster_that_comes_back_is_unrecovered_for_buckets_of_another(buckets: Buckets) -> None:
    await buckets.requeue_unread("old", buckets.owned, START)
    await buckets.requeue_unread("new", {7}, START)
    assert await buckets.unrecovered("old") == {7}


async def test_a_restored_database_requeues_for_a_cluster_that_it_knew_before(
    pool: asyncpg.Pool, buckets: Buckets
) -> None:
    await append_events(pool, 1, 2)
    await publish_all(buckets)
    await take_in(pool, subject=1)
    await buckets.requeue_unread("old", buckets.owned, START)
    assert await buckets.unrecovered("old") == set()
    await publish_all(buckets)
    await pool.execute("UPDATE clusters SET home = 'elsewhere'")
    assert await buckets.unrecovered("old") == buckets.owned
    await buckets.requeue_unread("old", buckets.owned, START)
    assert await waiting(buckets) == [(2, 1)]
    assert await buckets.unrecovered("old") == set()


async def test_topics_without_readers_are_not_republished(pool: asyncpg.Pool, buckets: Buckets) -> None:
    await append_events(pool, 1)
    await publish_all(buckets)
    await pool.execute("UPDATE journal SET topic = 'volunteer.updates'")
    assert await buckets.requeue_unread("new", buckets.owned, START) == 0


def test_a_topic_forgets_before_the_horizon_and_the_inbox_after_it() -> None:
    assert all(timedelta(milliseconds=topic.retention_ms) <= RECOVERY_WINDOW for topic in TOPICS)
    assert HORIZON_DAYS < INBOX_DAYS


async def publish_all(buckets: Buckets, limit: int = 100) -> None:
    await buckets.delete([message.id for message in await buckets.fetch(limit)])


async def take_in(pool: asyncpg.Pool, subject: int) -> None:
    async with transaction(pool) as connection:
        taken = await connection.fetch(
            "SELECT event_id FROM journal WHERE stream = $1", entry(subject).stream
        )
        await inbox.record(connection, READER, [row["event_id"] for row in taken], START)


async def waiting(buckets: Buckets) -> list[tuple[int, int]]:
    """List what waits, in the order in which it leaves, as subject and place in its stream."""
    subjects = {entry(number).key.encode(): number for number in range(10)}
    return [
        (subjects[message.key], int(dict(unpack(message.headers))["ce_sequence"]))
        for message in await buckets.fetch(100)
    ]
