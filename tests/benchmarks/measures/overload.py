"""Twice the sustainable load: order of processing, rejections, and the fate of accepted reports."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from statistics import quantiles
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
from aiokafka import AIOKafkaConsumer

from dispatch.clock import Clock
from dispatch.storage.pool import open_pool
from schemas.base import Severity
from tests.benchmarks.rig import wire
from tests.benchmarks.rig.city import City, report
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.kafka.support.cluster import free_ports

NAME, OFFERS = "overload", "dispatch.offers"
MIX: Sequence[tuple[Severity, int]] = (("life_threatening", 10), ("urgent", 40), ("routine", 50))
"""Number of each severity in a hundred reports."""
OVERLOAD = 2
GOAL_S = 2.0
PROCESSES = (("api",), ("relay", "reports"), ("incidents", "replies", "notifications", "agenda"))
"""One process serves HTTP, one does intake, one assembly: the last two do not delay each other."""
AT_ONCE = 16
ALONE = 25
"""Reports that are sent one at a time, for the latency without load."""
START_PATIENCE_S, DRAIN_PATIENCE_S, ANSWER_PATIENCE_S = 60, 180, 10
SETTLE_S = 1.0
"""Time limit for the last offers to reach their topic."""

UNWORKED = """
SELECT (SELECT count(*) FROM reports WHERE incident_id IS NULL)
     + (SELECT count(*) FROM agenda WHERE kind = 'consider')
"""
BECAME = "SELECT id, incident_id, received_at FROM reports WHERE id = ANY ($1::uuid[])"
STAGES = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM i.opened_at - r.received_at)) AS opened,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM o.first - i.opened_at)) AS asked
FROM reports r JOIN incidents i ON i.id = r.incident_id
CROSS JOIN LATERAL (SELECT min(extended_at) AS first FROM offers WHERE incident_id = i.id) AS o
WHERE r.id = ANY ($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One report: its answer and the time of the answer."""

    severity: Severity
    status: int
    report: UUID | None = None


@dataclass(slots=True)
class Storm:
    """The reports sent, and when each incident's first offer was on its topic."""

    city: City
    pool: asyncpg.Pool
    http: aiohttp.ClientSession
    offered: dict[UUID, float]
    chance: Random = field(default_factory=lambda: Random(4))
    numbers: Iterator[int] = field(default_factory=count)

    async def report(self, severity: Severity) -> Sent:
        """Send one report, once."""
        body = report(self.city.box, next(self.numbers), Clock().now(), self.chance)
        given = body.model_copy(update={"severity": severity}).model_dump(mode="json")
        try:
            async with self.http.post("/v1/reports", json=given) as response:
                told: dict[str, Any] = await response.json(content_type=None)
                known = UUID(told["report_id"]) if response.status == 202 else None
                return Sent(severity, response.status, known)
        except (aiohttp.ClientError, TimeoutError):
            return Sent(severity, 0)

    async def is_worked(self) -> bool:
        """Wait until every report is an incident that was considered; return whether that happened in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_PATIENCE_S):
                while await self.pool.fetchval(UNWORKED):
                    await asyncio.sleep(0.02)
                return True
        return False

    async def alone(self, reports: int) -> list[float]:
        """Return the seconds to the first offer for reports sent one at a time."""
        sent = []
        for _ in range(reports):
            sent.append(await self.report("life_threatening"))
            assert await self.is_worked(), "what was reported is not worked"
        await asyncio.sleep(SETTLE_S)
        return await self.waits(sent)

    async def waits(self, sent: Sequence[Sent]) -> list[float]:
        """Return the seconds from each acceptance to the first offer on its topic; infinite if none came.

        Both moments are the servers' own: here they would be known late, since this process lacks CPU like all others.
        """
        rows = await self.pool.fetch(BECAME, [one.report for one in sent if one.report])
        found = [(row["received_at"].timestamp(), self.offered.get(row["incident_id"])) for row in rows]
        return [float("inf") if offered is None else offered - at for at, offered in found]

    async def sustained(self, reports: int) -> float:
        """Return the rate at which reports become incidents with offers, including intake."""
        began, left = time.monotonic(), iter(range(reports))

        async def some() -> int:
            return sum([(await self.report("urgent")).status == 202 for _ in left])

        accepted = sum(await asyncio.gather(*(some() for _ in range(AT_ONCE))))
        assert accepted, "no report is accepted"
        assert await self.is_worked(), "what was reported is not worked"
        return accepted / (time.monotonic() - began)

    async def offer(self, rate: float, seconds: float) -> list[Sent]:
        """Send reports at a fixed rate, whether or not earlier ones were answered."""
        severities = self.chance.choices(*zip(*MIX, strict=True), k=round(rate * seconds))
        began, tasks = time.monotonic(), []
        for number, severity in enumerate(severities):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self.report(severity)))
        return await asyncio.gather(*tasks)


async def measure(site: Site) -> list[Row]:
    """Find the sustainable load, send twice as much, and return the results."""
    drained, seconds, people = (100, 5, 20_000) if site.quick else (1_000, 30, 200_000)
    city = await City.build(site, people)
    await site.broker()
    await site.introduce(city.dsn)
    async with _storm(site, city) as storm:
        site.say("what can be sustained")
        await storm.sustained(drained // 4)
        sustained = await storm.sustained(drained)
        alone = await storm.alone(ALONE)
        site.say(f"{OVERLOAD * sustained:.0f} reports a second")
        sent = await storm.offer(OVERLOAD * sustained, seconds)
        whole = await storm.is_worked()
        await asyncio.sleep(SETTLE_S)
        first = await _first(storm, sent, alone)
        return [
            _sustained(sustained),
            *first,
            *await _others(storm, sent),
            *_refusals(sent),
            await _lost(storm, sent, whole=whole),
        ]


@asynccontextmanager
async def _storm(site: Site, city: City) -> AsyncIterator[Storm]:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    for roles in PROCESSES:
        site.work(*roles, dsn=city.dsn, DISPATCH_HTTP=address)
    pool = await open_pool(city.dsn, application="benchmark", size=2)
    try:
        async with _reporters(address, city.key) as http, _listening(site.bootstrap) as offered:
            await _until_ready(http)
            yield Storm(city, pool, http, offered)
    finally:
        pool.terminate()


def _reporters(address: str, key: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        f"http://{address}",
        headers={"Authorization": f"Bearer {key}"},
        connector=aiohttp.TCPConnector(limit=200),
        timeout=aiohttp.ClientTimeout(total=ANSWER_PATIENCE_S),
    )


@asynccontextmanager
async def _listening(bootstrap: str) -> AsyncIterator[dict[UUID, float]]:
    """Record when each incident's first offer reached its topic, in seconds of Unix time."""
    offered: dict[UUID, float] = {}
    await wire.stamp(bootstrap, OFFERS)
    consumer = AIOKafkaConsumer(OFFERS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()

    async def listen() -> None:
        async for record in consumer:
            offered.setdefault(UUID(record.key.decode()), record.timestamp / 1000)

    listening = asyncio.create_task(listen())
    try:
        yield offered
    finally:
        listening.cancel()
        await consumer.stop()


async def _until_ready(http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(START_PATIENCE_S):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get("/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)


def _sustained(rate: float) -> Row:
    return Row("reports that become offers, API included", rate, "/s", "higher")


async def _first(storm: Storm, sent: Sequence[Sent], alone: Sequence[float]) -> list[Row]:
    """Return the rows for life-threatening reports."""
    grave = [one for one in sent if one.severity == "life_threatening"]
    waits = await storm.waits(grave)
    stages = await storm.pool.fetchrow(STAGES, [one.report for one in grave if one.report])
    assert stages is not None
    way = (
        f"p50 of the way: {stages['opened']:.2f} s to an incident, {stages['asked']:.2f} s more to its offers"
    )
    worst = _part(waits, 99)
    what, bound_is = "twice that: life-threatening reports, accepted to offer", "the same, one at a time"
    return [
        Row(f"{what}, p50", _part(waits, 50), "s", "lower", _part(alone, 50), bound_is, limit=way),
        Row(
            f"{what}, p99",
            worst,
            "s",
            "lower",
            _part(alone, 99),
            bound_is,
            f"≤ {GOAL_S:g} s",
            worst <= GOAL_S,
        ),
    ]


async def _others(storm: Storm, sent: Sequence[Sent]) -> list[Row]:
    rows = []
    for severity in ("urgent", "routine"):
        waits = await storm.waits([one for one in sent if one.severity == severity])
        rows.append(
            Row(f"twice that: {severity} reports, accepted to offer, p99", _part(waits, 99), "s", "lower")
        )
    return rows


async def _lost(storm: Storm, sent: Sequence[Sent], *, whole: bool) -> Row:
    names = [one.report for one in sent if one.report]
    became = [row["incident_id"] for row in await storm.pool.fetch(BECAME, names)]
    lost = len(names) - len(became) + became.count(None)
    what = "twice that: accepted, and not considered in the end"
    return Row(what, lost, "", "lower", goal="0", met=whole and not lost)


def _refusals(sent: Sequence[Sent]) -> list[Row]:
    told = {severity: Counter(one.status for one in sent if one.severity == severity) for severity, _ in MIX}
    routine, graver = told["routine"], told["life_threatening"] + told["urgent"]
    share = 100 * routine[202] / max(1, routine.total())
    unanswered = graver.total() - graver[202] - graver[429]
    return [
        Row("twice that: routine reports that were taken in", share, "%", "higher",
            limit=f"{routine[429]} of {routine.total()} were told to come again"),
        Row("twice that: graver reports that were told to come again", graver[429], "", "lower", goal="0",
            met=not graver[429]),
        Row("twice that: graver reports without a 202 in time", unanswered, "", "lower", goal="0",
            met=not unanswered),
    ]  # fmt: skip


def _part(waits: Sequence[float], percent: int) -> float:
    return quantiles(waits, n=100, method="inclusive")[percent - 1] if len(waits) > 1 else float("inf")
