"""A worker killed at the worst moments: its work is done once, by it or by the next worker."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.kafka.support.cluster import KafkaCluster
from tests.kafka.support.outside import behind, publish, read_all, report_message
from tests.kafka.support.workers import LISTENERS, ROLES, Station
from tests.support.site import TOPIC, append_events, entry, until

pytestmark = [pytest.mark.timeout(120)]


SUBJECTS = range(60)
GROUPS = {"reports": "incident.reports", "incidents": "incident.events", "replies": "volunteer.replies"}

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'renfort: %' AND wait_event_type = 'Lock'
"""
SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'renfort: %'
"""
DONE = """
    SELECT (SELECT count(*) FROM reports WHERE source_id = 'accepted' AND incident_id IS NOT NULL),
           (SELECT count(*) FROM rounds WHERE incident_id = $1),
           (SELECT count(*) FROM assignments)
"""
OWNERS = """
    SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7302
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@asynccontextmanager
async def held_in_three_transactions(station: Station, kafka: KafkaCluster) -> AsyncIterator[None]:
    """Block the worker while it opens one report, extends offers for a second, and seats a volunteer for a third."""

    async def first_offer() -> object:
        return await station.pool.fetchval("SELECT id FROM offers LIMIT 1")

    async def two_opened() -> object:
        return await station.pool.fetchval("SELECT count(*) = 2 FROM incidents")

    async def three_wait() -> object:
        return await station.pool.fetchval(WAITING) == 3

    await station.report("answered")
    await until(first_offer)
    async with station.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await connection.execute("LOCK TABLE offers, assignments IN SHARE MODE")
        await station.accept_offer(await station.pool.fetchval("SELECT id FROM offers LIMIT 1"))
        await station.report("asked for")
        await until(two_opened)
        await connection.execute("LOCK TABLE reports IN SHARE MODE")
        await publish(kafka.bootstrap, report_message(station.scene.organisation, "accepted"))
        await until(three_wait)
        yield


async def done(station: Station) -> tuple[int, ...]:
    """Count the effects of the three transactions: a report accepted, a round of offers, a seat filled."""
    (asked,) = await station.pool.fetch("SELECT incident_id FROM reports WHERE source_id = 'asked for'")
    return tuple(await station.pool.fetchrow(DONE, asked["incident_id"]))  # type: ignore[arg-type]


async def places_not_committed(kafka: KafkaCluster) -> dict[str, int]:
    left = {group: await behind(kafka.bootstrap, group, topic) for group, topic in GROUPS.items()}
    return {group: count for group, count in left.items() if count}


async def the_next_one_ends_the_work(station: Station, kafka: KafkaCluster) -> None:
    async def committed() -> bool:
        return not await places_not_committed(kafka)

    station.work(*ROLES)
    await until(committed, 60)
    await station.complete(*LISTENERS)
    await station.is_sound()
    assert await station.pool.fetchval("SELECT count(*) FROM incidents") == 3


async def test_the_unfinished_work_of_a_killed_worker_is_done_once_by_the_next(
    station: Station, kafka: KafkaCluster
) -> None:
    async def its_sessions_ended() -> object:
        return await station.pool.fetchval(SESSIONS) == 0

    worker = station.work(*ROLES)
    async with held_in_three_transactions(station, kafka):
        worker.kill()
    await until(its_sessions_ended)
    assert await done(station) == (0, 0, 0)
    await the_next_one_ends_the_work(station, kafka)


@pytest.mark.slow
async def test_work_whose_offset_was_not_committed_is_delivered_again_and_done_once(
    station: Station, kafka: KafkaCluster
) -> None:
    async def all_done() -> bool:
        return await done(station) == (1, 1, 1)

    worker = station.work(*ROLES)
    async with held_in_three_transactions(station, kafka):
        kafka.pause()
    try:
        await until(all_done)
        worker.kill()
    finally:
        # The bytes in the frozen node's sockets, commits included, must never be read: so it is killed there.
        await asyncio.to_thread(kafka.restart)
    assert (await places_not_committed(kafka)).keys() == GROUPS.keys()
    await the_next_one_ends_the_work(station, kafka)


async def relays_share(station: Station) -> object:
    return await station.pool.fetchval(OWNERS) == 2


async def test_a_relay_killed_while_it_sends_loses_nothing_and_preserves_the_order(
    station: Station, kafka: KafkaCluster
) -> None:
    async def nothing_waits() -> object:
        return await station.pool.fetchval("SELECT count(*) = 0 FROM outbox")

    killed, _ = station.work("relay"), station.work("relay")
    await until(lambda: relays_share(station))
    for round_ in range(10):
        await append_events(station.pool, *SUBJECTS)
        if round_ == 4:
            kafka.pause()
    await asyncio.sleep(1)
    killed.kill()
    kafka.resume()
    for _ in range(10):
        await append_events(station.pool, *SUBJECTS)
    await until(nothing_waits)
    in_order = list(range(1, 21))
    assert await first_appearances(kafka) == {key(subject): in_order for subject in SUBJECTS}


def key(subject: int) -> bytes:
    return entry(subject).key.encode()


async def first_appearances(kafka: KafkaCluster) -> dict[bytes, list[int]]:
    """Return the first occurrence of each event by key, in order; duplicates are allowed."""
    received: dict[bytes, list[int]] = defaultdict(list)
    for record in await read_all(kafka.bootstrap, TOPIC):
        seq = int(dict(record.headers)["ce_sequence"])
        if seq not in received[record.key]:
            received[record.key].append(seq)
    return received
