"""Consumers of one group: they share a topic, and a rebalance in the middle of a batch repeats no effect."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import asyncpg
import pytest

from consumers import broker as groups
from consumers.broker import Broker
from dispatch.clock import MovableClock
from dispatch.services.ingest.batches import Batches
from dispatch.services.subscriptions import READERS
from producers.kafka.relay import Relay
from schemas.decoding import Received, Unreadable
from tests.kafka.support.cluster import KafkaCluster
from tests.support.site import EFFECTS, READER, TOPIC, append_events, until

pytestmark = [pytest.mark.timeout(90)]

SUBJECTS = range(60)


class Member:
    """One consumer, which can be blocked in the middle of a batch: effects written, nothing committed."""

    def __init__(self, pool: asyncpg.Pool, clock: MovableClock, bootstrap: str) -> None:
        self.broker: Broker = groups.build(bootstrap, embedded=False)
        self.delivered: list[Received | Unreadable] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.in_batch = asyncio.Event()
        self._batches = Batches(pool, clock, on_commit=lambda: None)
        groups.subscribe(self.broker, TOPIC, READER, self._handle, max_records=10)

    async def _handle(self, records: list[Received | Unreadable]) -> None:
        self.delivered += records
        await self._batches.run(READER, TOPIC, records, self._record)

    async def _record(
        self, connection: asyncpg.Connection, records: Sequence[Received], _now: datetime
    ) -> None:
        rows = [(record.key.decode(), record.sequence) for record in records]
        await connection.executemany("INSERT INTO effects (subject, seq) VALUES ($1, $2)", rows)
        self.in_batch.set()
        await self.may_go_on.wait()


Join = Callable[[], Member]


@pytest.fixture
async def join(
    blank: KafkaCluster, pool: asyncpg.Pool, database: str, clock: MovableClock
) -> AsyncIterator[Join]:
    """Run a relay on an empty node; yield a factory of members, which stop at the end."""
    await pool.execute(EFFECTS)
    relay = Relay(database, blank.bootstrap, clock, READERS, embedded=False)
    running = asyncio.create_task(relay.run())
    members: list[Member] = []

    def member() -> Member:
        members.append(Member(pool, clock, blank.bootstrap))
        return members[-1]

    async def ready() -> bool:
        return relay.ready

    await until(ready)
    yield member
    for one in members:
        one.may_go_on.set()
    await asyncio.gather(relay.stop(), *(groups.stop(one.broker) for one in members))
    await running


async def effects(pool: asyncpg.Pool) -> list[tuple[str, int]]:
    rows = await pool.fetch("SELECT subject, seq FROM effects ORDER BY subject, seq")
    return [(row["subject"], row["seq"]) for row in rows]


async def each_had_one_effect(pool: asyncpg.Pool) -> None:
    written = await pool.fetch("SELECT key, seq FROM journal")

    async def all_had() -> bool:
        return len(await effects(pool)) >= len(written)

    await until(all_had, 60)
    assert await effects(pool) == sorted((row["key"].decode(), row["seq"]) for row in written)


async def test_two_consumers_of_one_group_share_the_partitions_and_each_event_has_one_effect(
    pool: asyncpg.Pool, join: Join
) -> None:
    first, second = join(), join()
    await asyncio.gather(groups.start(first.broker), groups.start(second.broker))
    for _ in range(5):
        await append_events(pool, *SUBJECTS)
    await each_had_one_effect(pool)
    assert first.delivered
    assert second.delivered
    assert not {record.key for record in first.delivered} & {record.key for record in second.delivered}


async def test_a_rebalance_in_mid_batch_waits_for_the_batch_and_nothing_is_delivered_twice(
    pool: asyncpg.Pool, join: Join
) -> None:
    first, second = join(), join()
    await groups.start(first.broker)
    first.may_go_on.clear()
    await append_events(pool, *SUBJECTS)
    await first.in_batch.wait()
    joining = asyncio.create_task(groups.start(second.broker))
    await asyncio.sleep(3)
    assert not joining.done()
    first.may_go_on.set()
    await joining
    await append_events(pool, *SUBJECTS)
    await each_had_one_effect(pool)
    assert second.delivered
    assert len(first.delivered) + len(second.delivered) == 2 * len(SUBJECTS)


async def test_a_rebalance_that_does_not_wait_repeats_a_delivery_and_no_effect(
    pool: asyncpg.Pool, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "DRAIN_PATIENCE_S", 0.1)
    first, second = join(), join()
    await groups.start(first.broker)
    first.may_go_on.clear()
    await append_events(pool, *SUBJECTS)
    await first.in_batch.wait()
    await groups.start(second.broker)
    await asyncio.sleep(1)
    first.may_go_on.set()
    await each_had_one_effect(pool)
    assert len(first.delivered) + len(second.delivered) > len(SUBJECTS)


async def test_replacing_the_cluster_by_an_empty_one_loses_and_repeats_nothing(
    kafka: KafkaCluster, pool: asyncpg.Pool, join: Join
) -> None:
    member = join()
    await groups.start(member.broker)
    await append_events(pool, *SUBJECTS)
    await each_had_one_effect(pool)
    member.may_go_on.clear()
    await append_events(pool, *SUBJECTS)
    replacing = asyncio.create_task(asyncio.to_thread(kafka.replace))
    await append_events(pool, *SUBJECTS)
    member.may_go_on.set()
    await replacing
    await append_events(pool, *SUBJECTS)
    await each_had_one_effect(pool)
