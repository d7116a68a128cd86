"""Twice what can be sustained: who is asked first, what is refused, and what becomes of what was accepted.

Alone, on a Kafka and a PostgreSQL of its own: `python -m tests.benchmarks.overload`.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
from aiokafka import AIOKafkaConsumer

from dispatch.cli.embedded import EmbeddedPostgres
from dispatch.clock import Clock
from dispatch.services import keys, organisations
from dispatch.services.engine import Engine
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from producers.topics import ensure
from schemas.base import Severity
from tests.benchmarks.row import Row
from tests.kafka.cluster import KafkaCluster, free_ports
from tests.kafka.workers import Worker

PEOPLE = 100_000
SOUTH, WEST, HEIGHT, WIDTH = 48.5, 2.0, 0.7, 1.0
MIX: Sequence[tuple[Severity, int]] = (("life_threatening", 10), ("urgent", 40), ("routine", 50))
"""Of a hundred reports."""
DRAINED = 400
"""Reports whose draining tells what can be sustained."""
OVERLOAD = 2
SECONDS = 30
GOAL_S = 2.0
PROCESSES = (("api",), ("relay", "reports"), ("incidents", "replies", "notifications", "agenda"))
"""One listens, one takes in, one asks: neither of the last two waits for the other's work."""
PATIENCE_S = 180.0

ENROL = """
WITH person AS (
    SELECT gen_random_uuid() AS id, n, $2::float8 + random() * $3::float8 AS lat,
           $4::float8 + random() * $5::float8 AS lon
    FROM generate_series(1, $6::int) AS n
), volunteer AS (
    INSERT INTO volunteers (id, created_at) SELECT id, $7 FROM person
), born AS (
    INSERT INTO people SELECT id, 'Volunteer ' || n, '1990-01-31' FROM person
), phone AS (
    INSERT INTO addresses SELECT id, 'sms', '+336' || to_char(n, 'FM00000000') FROM person
), member AS (
    INSERT INTO memberships SELECT $1, id, 'available', 'fr', '{sms}', $7 FROM person
), skill AS (
    INSERT INTO skills SELECT $1, id, 'first_aid' FROM person
)
INSERT INTO positions
SELECT id, 'home', point(6378137 * radians(lon), 6378137 * ln(tan(pi() / 4 + radians(lat) / 2))), lat, lon, $7
FROM person
"""
UNHEARD = """
SELECT (SELECT count(*) FROM reports WHERE incident_id IS NULL)
     + (SELECT count(*) FROM agenda WHERE kind = 'consider')
"""
BECAME = "SELECT id, incident_id FROM reports WHERE id = ANY ($1::uuid[])"
STAGES = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM i.opened_at - r.received_at)) AS opened,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM o.first - i.opened_at)) AS asked
FROM reports r JOIN incidents i ON i.id = r.incident_id
CROSS JOIN LATERAL (SELECT min(extended_at) AS first FROM offers WHERE incident_id = i.id) AS o
WHERE r.id = ANY ($1::uuid[])
"""


@dataclass(slots=True)
class Sent:
    """One report: how it was answered, and when."""

    severity: Severity
    status: int
    at: float
    report: UUID | None = None


@dataclass(slots=True)
class Site:
    """A running installation, those who report to it, and when each incident's first offer was on its topic."""

    pool: asyncpg.Pool
    http: aiohttp.ClientSession
    offered: dict[UUID, float]
    chance: Random = field(default_factory=lambda: Random(4))
    numbers: Iterator[int] = field(default_factory=count)

    async def report(self, severity: Severity) -> Sent:
        """Send one report, once."""
        name, place = next(self.numbers), self._somewhere()
        body = {
            "id": f"overload-{name}",
            "kind": "medical.cardiac_arrest",
            "severity": severity,
            "position": place,
            "occurred_at": "2026-11-22T20:00:00Z",
            "professional": {"requested": True, "reference": f"15/{name}"},
        }
        try:
            async with self.http.post("/v1/reports", json=body) as response:
                told: dict[str, Any] = await response.json(content_type=None)
                known = UUID(told["report_id"]) if response.status == 202 else None
                return Sent(severity, response.status, time.monotonic(), known)
        except (aiohttp.ClientError, TimeoutError):
            return Sent(severity, 0, time.monotonic())

    def _somewhere(self) -> dict[str, float]:
        return {"lat": SOUTH + self.chance.random() * HEIGHT, "lon": WEST + self.chance.random() * WIDTH}

    async def drained(self) -> bool:
        """Wait until every report is an incident that was considered; tell whether that came about."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while await self.pool.fetchval(UNHEARD):
                    await asyncio.sleep(0.02)
                return True
        return False


async def measure(dsn: str, bootstrap: str, folder: Path) -> list[Row]:
    """Find what can be sustained, offer twice as much, and tell what became of it."""
    async with _site(dsn, bootstrap, folder) as site:
        sustained = await _sustained(site)
        began = time.monotonic()
        sent = await _offer(site, OVERLOAD * sustained)
        ended = time.monotonic()
        whole = await site.drained()
        await asyncio.sleep(1)
        return await _rows(site, sustained, sent, ended - began, whole=whole)


@asynccontextmanager
async def _site(dsn: str, bootstrap: str, folder: Path) -> AsyncIterator[Site]:
    """Found an organisation, and start its processes."""
    (port,) = free_ports(1)[:1]
    address = f"127.0.0.1:{port}"
    environment = {
        "DISPATCH_KAFKA": bootstrap, "DISPATCH_POSTGRES": dsn, "DISPATCH_DATA": str(folder),
        "DISPATCH_HTTP": address, "DISPATCH_LOG": "warning",
    }  # fmt: skip
    await ensure(bootstrap, embedded=False)
    async with await open_pool(dsn, application="benchmark") as pool:
        key = await _found(Engine(pool, Clock()))
        workers = [Worker(roles, environment, folder / f"overload-{roles[0]}.log") for roles in PROCESSES]
        try:
            async with _reporters(address, key) as http, _listening(bootstrap) as offered:
                await _until_ready(http)
                yield Site(pool, http, offered)
        finally:
            await asyncio.gather(*(worker.stop() for worker in workers))


async def _found(engine: Engine) -> str:
    organisation = await organisations.create(engine, "Overload")
    now = engine.clock.now()
    places = (SOUTH, HEIGHT, WEST, WIDTH)
    async with engine.pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute(ENROL, organisation, *places, PEOPLE, now, timeout=300)
        await connection.execute("ANALYZE", timeout=300)
    return await keys.create(
        engine, organisation=organisation, scopes=["reports:write"], holder="control-room"
    )


def _reporters(address: str, key: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        f"http://{address}",
        headers={"Authorization": f"Bearer {key}"},
        connector=aiohttp.TCPConnector(limit=200),
        timeout=aiohttp.ClientTimeout(total=10),
    )


@asynccontextmanager
async def _listening(bootstrap: str) -> AsyncIterator[dict[UUID, float]]:
    """Note when each incident's first offer is on its topic."""
    offered: dict[UUID, float] = {}
    consumer = AIOKafkaConsumer("dispatch.offers", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()

    async def listen() -> None:
        async for record in consumer:
            offered.setdefault(UUID(record.key.decode()), time.monotonic())

    listening = asyncio.create_task(listen())
    try:
        yield offered
    finally:
        listening.cancel()
        await consumer.stop()


async def _until_ready(http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get("/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)


async def _sustained(site: Site) -> float:
    """Give how many reports a second become incidents that have asked, intake and all."""
    for warming in range(2):
        began, left = time.monotonic(), iter(range(DRAINED if warming else DRAINED // 4))

        async def keep_reporting() -> None:
            for _ in left:  # noqa: B023 - ended within this turn
                sent = await site.report("urgent")
                assert sent.report, f"a report was answered {sent.status}"

        await asyncio.gather(*(keep_reporting() for _ in range(16)))
        await site.drained()
    return DRAINED / (time.monotonic() - began)


async def _offer(site: Site, rate: float) -> list[Sent]:
    """Report at a rate that nobody's slowness lowers."""
    severities = site.chance.choices(*zip(*MIX, strict=True), k=round(rate * SECONDS))
    began, tasks = time.monotonic(), []
    for number, severity in enumerate(severities):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(site.report(severity)))
    return await asyncio.gather(*tasks)


async def _rows(site: Site, sustained: float, sent: Sequence[Sent], took: float, *, whole: bool) -> list[Row]:
    became = {
        row["id"]: row["incident_id"]
        for row in await site.pool.fetch(BECAME, [one.report for one in sent if one.report])
    }
    accepted = [one for one in sent if one.report]
    waits = {severity: _waits(site, accepted, became, severity) for severity, _ in MIX}
    refused = Counter(one.severity for one in sent if one.status == 429)
    failed = len(sent) - len(accepted) - refused.total()
    lost = sum(became.get(one.report) is None for one in accepted if one.report)
    first = waits["life_threatening"]
    grave = [one.report for one in accepted if one.severity == "life_threatening"]
    stages = await site.pool.fetchrow(STAGES, grave)
    limit = "p50 of the way: {:.2f} s to an incident, {:.2f} s more to its offers".format(*(stages or (0, 0)))
    routine = [one for one in sent if one.severity == "routine"]
    taken = [one for one in accepted if one.severity == "routine"]
    bound_is = "reports/s that are sustained"
    return [
        Row("overload: reports offered /s", len(sent) / took, "/s", "higher", sustained, bound_is),
        Row("overload: life-threatening, 202 to offer, p50", _part(first, 50), "s", "lower", limit=limit),
        Row("overload: life-threatening, 202 to offer, p99", _part(first, 99), "s", "lower", goal=f"≤ {GOAL_S} s",
            met=_part(first, 99) <= GOAL_S),
        Row("overload: urgent, 202 to offer, p99", _part(waits["urgent"], 99), "s", "lower"),
        Row("overload: routine, 202 to offer, p99", _part(waits["routine"], 99), "s", "lower"),
        Row("overload: routine reports that were taken in", len(taken), "", "higher", len(routine),
            "routine reports offered", goal="some, the others told to come again", met=bool(taken)),
        Row("overload: routine told to come again (429)", refused["routine"], "", "lower", len(routine)),
        Row("overload: others refused", refused.total() - refused["routine"] + failed, "", "lower", goal="0",
            met=refused.total() == refused["routine"] and not failed),
        Row("overload: accepted and not considered in the end", lost, "", "lower", goal="0",
            met=whole and not lost),
    ]  # fmt: skip


def _waits(site: Site, sent: Sequence[Sent], became: dict[UUID, UUID], severity: Severity) -> list[float]:
    """Give the seconds from each 202 to the first offer on its topic; an offer that never came counts for ever."""
    mine = [one for one in sent if one.severity == severity and one.report]
    offers = [(one, site.offered.get(became.get(one.report or UUID(int=0), UUID(int=0)))) for one in mine]
    return [float("inf") if at is None else max(0.0, at - one.at) for one, at in offers]


def _part(waits: Sequence[float], percent: int) -> float:
    return quantiles(waits, n=100, method="inclusive")[percent - 1] if len(waits) > 1 else float("inf")


async def _alone() -> list[Row]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cluster = KafkaCluster(folder / "kafka")
        cluster.start()
        try:
            async with EmbeddedPostgres(folder / "postgres") as server:
                await migrate(server.url())
                return await measure(server.url(), cluster.bootstrap, folder)
        finally:
            cluster.stop()


if __name__ == "__main__":
    for row in asyncio.run(_alone()):
        sys.stdout.write(f"{row.measure}: {row.value:.2f} {row.unit} {row.goal} {row.met} {row.limit}\n")
