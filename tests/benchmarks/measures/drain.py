"""Draining a backlog: the rate at which incidents get their offers when reports have accumulated."""

import asyncio
import random
import sys
from collections.abc import Sequence

from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.storage.pool import open_pool
from tests.benchmarks.figures import rate
from tests.benchmarks.rig import wire
from tests.benchmarks.rig.city import SOURCE, City, report
from tests.benchmarks.rig.processes import Cpu, Program
from tests.benchmarks.rig.site import Site
from tests.benchmarks.rig.wire import Growth, Message
from tests.benchmarks.row import Row

NAME = "drain"
OFFERS = 7
PEOPLE_PER_REPORT = 16
ROLES = ("relay", "reports", "incidents", "agenda")
AT_ONCE = 10
GOAL = 1_000
BARE = f"bare loop: one record in, {OFFERS} rows and {OFFERS} records out"

ALL_SEVEN = """
    SELECT count(*) FROM (SELECT FROM offers GROUP BY incident_id HAVING count(*) = 7) AS incident
"""


async def measure(site: Site) -> list[Row]:
    """Drain with one process, then run the bare loop on as many records."""
    count = 3_000 if site.quick else 20_000
    city = await City.build(site, count * PEOPLE_PER_REPORT)
    backlog = await accept(site, city, count)
    found = await drain(site, city, backlog, [ROLES])
    bound = await bare(site, backlog)
    what = f"backlog of {count:,} reports to their {OFFERS} offers on the topic, one process"
    value = speed(found)
    return [
        Row(
            what,
            value,
            "incidents/s",
            "higher",
            speed(bound),
            BARE,
            f"≥ {GOAL:,}/s",
            value >= GOAL,
            spent(found),
        ),
        Row(f"{what}: CPU of all", cost_ms(found), "ms/incident", "lower", cost_ms(bound), BARE),
    ]


async def accept(site: Site, city: City, count: int) -> list[Message]:
    """Accept reports as the API does, without consumers; return the messages for the topic."""
    pool = await open_pool(city.dsn, application="benchmark", size=AT_ONCE)
    uow, chance = UnitOfWork(pool, Clock()), random.Random(7)
    bodies = iter([report(city.box, number, uow.clock.now(), chance) for number in range(count)])

    async def some() -> None:
        for body in bodies:
            await submitting.accept(
                uow, organisation=city.organisation, source=SOURCE, channel="http", body=body
            )

    site.say(f"accepting {count:,} reports")
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    pool.terminate()
    return await wire.said(city.dsn, "incident.reports")


async def drain(
    site: Site, city: City, backlog: Sequence[Message], processes: Sequence[Sequence[str]]
) -> Growth[Cpu]:
    """Publish the backlog on an empty broker, start processes, and record the growth of the offers."""
    await site.broker()
    await site.introduce(city.dsn)
    await wire.publish(site.bootstrap, "incident.reports", backlog)
    site.say(f"draining {len(backlog):,} reports")
    programs = [site.work(*roles, dsn=city.dsn) for roles in processes]
    total = len(backlog) * OFFERS
    growth = await wire.watch(site.bootstrap, "dispatch.offers", total, lambda: site.cpu(*programs))
    await stop(programs)
    await check(city, len(backlog))
    return growth


async def stop(programs: Sequence[Program]) -> None:
    """Stop processes gracefully."""
    await asyncio.gather(*(program.stop() for program in programs))


async def check(city: City, count: int) -> None:
    """Fail unless every report has its offers: a figure for less work is invalid."""
    pool = await open_pool(city.dsn, application="benchmark", size=1)
    served = await pool.fetchval(ALL_SEVEN)
    pool.terminate()
    assert served == count, f"{served} of {count} incidents have their {OFFERS} offers"


async def bare(site: Site, backlog: Sequence[Message]) -> Growth[Cpu]:
    """Run the bare loop: as many records in, seven times as many out."""
    site.say("the bare loop")
    await wire.make_topics(site.bootstrap, "bare.in", "bare.out")
    await wire.publish(site.bootstrap, "bare.in", backlog)
    words = [site.bootstrap, await site.database(), str(OFFERS), "bare.in", "bare.out"]
    loop = site.start([sys.executable, "-m", "tests.benchmarks.rig.bare", *words])
    growth = await wire.watch(site.bootstrap, "bare.out", len(backlog) * OFFERS, lambda: site.cpu(loop))
    loop.kill()
    return growth


def speed(growth: Growth[Cpu]) -> float:
    """Return the incidents per second between 10 and 90 % of the backlog."""
    return rate(growth.samples, growth.total) / OFFERS


def cost_ms(growth: Growth[Cpu]) -> float:
    """Return the CPU milliseconds of all processes per incident, over about the same interval."""
    span = growth.between(0.1, 0.9)
    return 1000 * (span.last - span.first).total / (span.amount / OFFERS)


def spent(growth: Growth[Cpu]) -> str:
    """Return the CPU use during the middle of the backlog, as text."""
    span = growth.between(0.1, 0.9)
    return (span.last - span.first).told(span.wall_s, span.amount / OFFERS, "incident")
