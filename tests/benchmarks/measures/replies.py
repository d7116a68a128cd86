"""Replies: the rate at which they become assignments, and the latency at a steady rate."""

import asyncio
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.replies import receiving
from dispatch.storage.pool import open_pool
from tests.benchmarks.figures import percentile, rate
from tests.benchmarks.measures import drain
from tests.benchmarks.rig import wire
from tests.benchmarks.rig.city import City
from tests.benchmarks.rig.processes import Cpu
from tests.benchmarks.rig.site import Site
from tests.benchmarks.rig.wire import Growth, Message
from tests.benchmarks.row import Row

NAME = "replies"
ROLES = ("relay", "replies")
STEADY = 500.0
STEADY_S = 8.0
GOAL = 3_000
GOAL_OF_TWO = 2_500
BARE = "bare loop: one record in, one row and one record out"
AT_ONCE = 10

OFFERED = "SELECT id FROM offers WHERE status = 'extended' ORDER BY id"
ADOPT = "UPDATE clusters SET home = stream_home()"
SEATED = "SELECT count(*) FROM assignments"


async def measure(site: Site) -> list[Row]:
    """Let all volunteers with an offer accept: some at a steady rate, then the others at once."""
    count = 1_000 if site.quick else 4_000
    city = await City.build(site, count * drain.PEOPLE_PER_REPORT)
    await drain.drain(site, city, await drain.accept(site, city, count), [drain.ROLES])
    said = await _say_yes(site, city)
    copy = await _copy(site, city)
    steady = said[: int(STEADY * STEADY_S)] if not site.quick else said[: int(STEADY * STEADY_S / 4)]
    rest = said[len(steady) :]
    took = await _steady(site, city, steady)
    found = await _all_at_once(site, city.dsn, rest, since=len(steady))
    bound = await _bare(site, rest)
    two = await _all_at_once(site, copy, said, since=len(said), processes=2)
    what = "replies on their topic → assignment on its topic, one process"
    return [
        *_rows(what, found, bound, GOAL),
        *_rows(what.replace("one process", "two processes"), two, bound, GOAL_OF_TWO),
        Row(f"{what}, at {STEADY:.0f}/s, p50", percentile(took, 50), "ms", "lower"),
        Row(f"{what}, at {STEADY:.0f}/s, p99", percentile(took, 99), "ms", "lower"),
    ]  # fmt: skip


def _rows(what: str, found: Growth[Cpu], bound: Growth[Cpu], goal: int) -> list[Row]:
    value, total = rate(found.samples, found.total), f"{found.total:,}"
    return [
        Row(f"{what}, a backlog of {total}", value, "replies/s", "higher",
            rate(bound.samples, bound.total), BARE, f"≥ {goal:,}/s", value >= goal, _spent(found)),
        Row(f"{what}: CPU of all", _cost_ms(found), "ms/reply", "lower", _cost_ms(bound), BARE),
    ]  # fmt: skip


async def _say_yes(site: Site, city: City) -> list[Message]:
    """Accept a yes to each offer as the API does, without consumers; return the messages for the topic."""
    pool = await open_pool(city.dsn, application="benchmark", size=AT_ONCE)
    uow = UnitOfWork(pool, Clock())
    offers = iter(await pool.fetch(OFFERED))

    async def some() -> None:
        for offer in offers:
            now = uow.clock.now()
            await receiving.receive(
                uow, offer_id=offer["id"], answer="accepted", channel="page", received_at=now
            )

    site.say("taking replies in")
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    pool.terminate()
    return await wire.said(city.dsn, "volunteer.replies")


async def _copy(site: Site, city: City) -> str:
    """Copy the database; its relays would take it for a restored one, and publish again what nobody has read."""
    dsn = await site.database(urlsplit(city.dsn).path.removeprefix("/"))
    connection = await asyncpg.connect(dsn)
    await connection.execute(ADOPT)
    await connection.close()
    return dsn


async def _steady(site: Site, city: City, said: Sequence[Message]) -> list[float]:
    """Publish replies at a steady rate; return the milliseconds from each to its assignment."""
    site.say(f"replies at {STEADY:.0f}/s")
    program = site.work(*ROLES, dsn=city.dsn)
    came: dict[str, float] = {}
    listening = asyncio.create_task(_listen(site.bootstrap, came))
    sent: dict[str, float] = {}
    async with wire.producer(site.bootstrap) as sender:
        await _warm(sender, came, said[0])
        start = time.monotonic()
        for number, (key, pairs, body) in enumerate(said[1:]):
            await asyncio.sleep(start + number / STEADY - time.monotonic())
            sent[orjson.loads(body)["volunteer_id"]] = time.monotonic()
            await sender.send("volunteer.replies", body, key=key, headers=pairs)
    await _until_all(came, len(said))
    listening.cancel()
    await program.stop()
    return [1000 * (came[who] - when) for who, when in sent.items()]


async def _warm(sender: AIOKafkaProducer, came: dict[str, float], first: Message) -> None:
    """Send one reply and wait for its assignment: by then all consumers have joined."""
    key, pairs, body = first
    await sender.send("volunteer.replies", body, key=key, headers=pairs)
    await _until_all(came, 1)


async def _until_all(came: dict[str, float], count: int) -> None:
    end = time.monotonic() + wire.STILL_FOR_S
    while len(came) < count:
        if time.monotonic() > end:
            raise wire.StuckError(f"{len(came)} of {count} replies became assignments")
        await asyncio.sleep(0.02)


async def _listen(bootstrap: str, came: dict[str, float]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    consumer.assign([TopicPartition("dispatch.assignments", number) for number in range(wire.PARTITIONS)])
    await consumer.start()
    try:
        while True:
            batch = await consumer.getmany(timeout_ms=1000)
            now = time.monotonic()
            for record in (record for found in batch.values() for record in found):
                came.setdefault(orjson.loads(record.value)["volunteer_id"], now)
    finally:
        await consumer.stop()


async def _all_at_once(
    site: Site, dsn: str, said: Sequence[Message], *, since: int, processes: int = 1
) -> Growth[Cpu]:
    """Publish replies, start processes, and record the growth of the assignments from so many on the topic."""
    before = await _seated(dsn)
    await wire.publish(site.bootstrap, "volunteer.replies", said)
    site.say(f"{len(said):,} replies at once")
    programs = [site.work(*ROLES, dsn=dsn) for _ in range(processes)]
    growth = await wire.watch(
        site.bootstrap, "dispatch.assignments", len(said), lambda: site.cpu(*programs), since=since
    )
    await drain.stop(programs)
    seated = await _seated(dsn) - before
    assert seated == len(said), f"{seated} of {len(said)} replies became assignments"
    return growth


async def _seated(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    seated: int = await connection.fetchval(SEATED)
    await connection.close()
    return seated


async def _bare(site: Site, said: Sequence[Message]) -> Growth[Cpu]:
    await wire.make_topics(site.bootstrap, "bare.replies", "bare.assignments")
    await wire.publish(site.bootstrap, "bare.replies", said)
    words = [site.bootstrap, await site.database(), "1", "bare.replies", "bare.assignments"]
    loop = site.start([sys.executable, "-m", "tests.benchmarks.rig.bare", *words])
    growth = await wire.watch(site.bootstrap, "bare.assignments", len(said), lambda: site.cpu(loop))
    loop.kill()
    return growth


def _cost_ms(growth: Growth[Cpu]) -> float:
    span = growth.between(0.1, 0.9)
    return 1000 * (span.last - span.first).total / span.amount


def _spent(growth: Growth[Cpu]) -> str:
    span = growth.between(0.1, 0.9)
    return (span.last - span.first).told(span.wall_s, span.amount, "reply")
