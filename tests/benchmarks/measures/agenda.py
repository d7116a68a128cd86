"""The agenda: lateness of entries while many wait, and the rate of real expiries in one process."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

import asyncpg

from dispatch.clock import Clock, MovableClock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.agenda import LOW_PER_ROUND, SEVERE_PER_ROUND, AgendaRunner
from dispatch.storage.pool import open_pool
from schemas.ids import named
from tests.benchmarks.figures import median, percentile
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.domain.builders import PLACE
from tests.support.world import World, near

NAME = "agenda"
PENDING, A_SECOND, SECONDS = 500_000, 2_000, 15
GOAL_MS = 10.0
SETTLING_S = 3
"""Entries due in the first seconds, while connections are opened, are not counted."""
INCIDENTS, PEOPLE, APART_M = 300, 12, 3_000
ORGANISATION = named("organisation", "agenda")

WAITING = """
    INSERT INTO agenda
    SELECT md5('waiting ' || n)::uuid, 'offer', 'incident', $1, n % 3, $2::timestamptz + n * interval '1 ms'
    FROM generate_series(1, $3::int) AS n
"""
FALLING_DUE = """
    INSERT INTO agenda
    SELECT md5('due ' || n)::uuid, 'offer', 'incident', $1, n % 3,
           $2::timestamptz + n * interval '1 second' / $4::int
    FROM generate_series(1, $3::int) AS n
"""
TAKE = "DELETE FROM agenda WHERE subject = ANY ($1::uuid[]) AND due_at <= $2 RETURNING due_at"


class Claims(AgendaRunner):
    """An agenda whose entries have no effect: each is deleted and its lateness recorded."""

    def __init__(self, uow: UnitOfWork) -> None:
        super().__init__(uow)
        self.claimed: list[float] = []
        self.committed: list[float] = []

    async def _tick(self, names: Sequence[UUID]) -> int:
        claimed = self._uow.clock.now()

        async def inside(connection: asyncpg.Connection, now: datetime) -> list[datetime]:
            return [row["due_at"] for row in await connection.fetch(TAKE, names, now)]

        taken = await self._uow.transact(inside)
        committed = self._uow.clock.now()
        self.claimed += [1000 * (claimed - due).total_seconds() for due in taken]
        self.committed += [1000 * (committed - due).total_seconds() for due in taken]
        return len(taken)


async def measure(site: Site) -> list[Row]:
    """Measure entries that fall due beside half a million that do not; then expire real offers."""
    return [*await _lateness(site), *await _expiries(site)]


async def _lateness(site: Site) -> list[Row]:
    pending, seconds = (50_000, 5) if site.quick else (PENDING, SECONDS)
    site.say(f"filling the agenda with {pending:,} entries")
    pool = await open_pool(await site.database(), application="benchmark", size=2)
    total = A_SECOND * seconds
    await pool.execute("SET statement_timeout = 0")
    uow = UnitOfWork(pool, Clock())
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        run = connection.execute
        await run(WAITING, ORGANISATION, uow.clock.now() + timedelta(hours=1), pending, timeout=600)
        await run("VACUUM ANALYZE agenda", timeout=600)
        start = uow.clock.now() + timedelta(seconds=SETTLING_S)
        await run(FALLING_DUE, ORGANISATION, start, total, A_SECOND, timeout=600)
    site.say(f"{A_SECOND:,} entries fall due each second")
    agenda = Claims(uow)
    running = asyncio.create_task(agenda.run())
    while len(agenda.claimed) < total and not running.done():
        await asyncio.sleep(0.2)
    running.cancel()
    pool.terminate()
    what = f"lateness of an entry among {pending:,}, {A_SECOND:,} falling due each second, p99"
    claim, commit = (percentile(some[total // 5 :], 99) for some in (agenda.claimed, agenda.committed))
    middle = f"p50 {median(agenda.claimed[total // 5 :]):.1f} ms; the load is in the same process"
    return [
        Row(
            f"{what}: found",
            claim,
            "ms",
            "lower",
            goal=f"≤ {GOAL_MS:.0f} ms",
            met=claim <= GOAL_MS,
            limit=middle,
        ),
        Row(f"{what}: taken off in a transaction, nothing worked", commit, "ms", "lower"),
    ]


async def _expiries(site: Site) -> list[Row]:
    """Expire the offers of many incidents at once: each incident is decided and makes new offers."""
    count = 50 if site.quick else INCIDENTS
    site.say(f"asking for {count} incidents")
    pool = await open_pool(await site.database(), application="benchmark", size=2)
    world = await World(pool, MovableClock(Clock().now())).create()
    for number in range(count):
        place = near(PLACE, north_m=number * APART_M)
        await world.add_people(PEOPLE, around=place)
        await world.send(str(number), position=place)
    await world.consume("incident.reports", "incident.events")
    asked = await pool.fetchval("SELECT count(*) FROM offers")
    world.clock.advance(61)
    site.say(f"{asked} offers expire")
    rounds = []
    began = perf_counter()
    while (last := await _round(world.agenda))[0]:
        rounds.append(last[1])
    spent = perf_counter() - began
    expired = await pool.fetchval("SELECT count(*) FROM offers WHERE status = 'expired'")
    pool.terminate()
    what = f"{count} incidents whose offers expire, others asked in their place, one process"
    most = SEVERE_PER_ROUND + LOW_PER_ROUND
    limit = f"a round of up to {most} incidents takes {median(rounds):.0f} ms, at most {max(rounds):.0f} ms"
    return [Row(f"{what}: offers expired", expired / spent, "/s", "higher", limit=limit)]


async def _round(agenda: AgendaRunner) -> tuple[int, float]:
    began = perf_counter()
    return await agenda.run_round(), 1000 * (perf_counter() - began)
