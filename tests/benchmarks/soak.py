"""Memory of all roles in one process under load: `python -m tests.benchmarks.soak --minutes 60` for longer ones."""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from cyclopts import App
from rich.console import Console

from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.replies import receiving
from dispatch.storage.pool import open_pool
from schemas.replies import Answer
from tests.benchmarks.figures import Sample
from tests.benchmarks.results import table
from tests.benchmarks.rig.city import SOURCE, City, report
from tests.benchmarks.rig.processes import Program
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.kafka.support.cluster import free_ports

NAME = "soak"
MINUTES = 5.0
PEOPLE = 40_000
A_SECOND = 20
WIDE = 160
GOAL_MB = 300.0
FLAT = 0.03
"""The relative growth over the second half up to which memory counts as constant."""
RELEASED_AFTER_S = 10
"""Responders arrive and are released soon, or no volunteers would be left to ask."""

UNANSWERED = """
    SELECT id FROM offers o
    WHERE status = 'extended' AND NOT EXISTS (SELECT FROM replies r WHERE r.offer_id = o.id) LIMIT 400
"""
OPENED = "SELECT count(*) FROM incidents"

app = App(name="python -m tests.benchmarks.soak", help="Watch the memory of all roles over a long storm.")


@dataclass(slots=True)
class Storm:
    """The work done so far, and the memory used, by the second."""

    reports: int = 0
    answers: int = 0
    memory: list[Sample] = field(default_factory=list)


async def measure(site: Site, minutes: float | None = None) -> list[Row]:
    """Send twenty reports a second, let every volunteer accept, arrive and be released, and measure the memory."""
    lasting = 60 * (minutes or (0.5 if site.quick else MINUTES))
    city = await City.build(site, PEOPLE)
    await site.broker()
    await site.introduce(city.dsn)
    (web,) = free_ports(1)
    program = site.work(dsn=city.dsn, DISPATCH_HTTP=f"127.0.0.1:{web}")
    pool = await open_pool(city.dsn, application="benchmark", size=10)
    storm = Storm()
    try:
        await _rage(site, city, UnitOfWork(pool, Clock()), program, storm, lasting)
        opened = await pool.fetchval(OPENED)
    finally:
        pool.terminate()
    return _rows(storm, opened, lasting)


async def _rage(
    site: Site, city: City, uow: UnitOfWork, program: Program, storm: Storm, lasting: float
) -> None:
    chance, began = random.Random(3), time.monotonic()
    going_home: list[tuple[float, UUID]] = []
    while (since := time.monotonic() - began) < lasting and program.runs:
        site.say(f"{lasting - since:.0f} s of storm to come, {program.rss_mb:.0f} MB")
        await _report(uow, city, storm, chance)
        await _answer(uow, storm, going_home)
        storm.memory.append((time.monotonic() - began, program.rss_mb))
        await asyncio.sleep(len(storm.memory) - (time.monotonic() - began))


async def _report(uow: UnitOfWork, city: City, storm: Storm, chance: random.Random) -> None:
    now = uow.clock.now()
    bodies = [report(city.box, storm.reports + n, now, chance) for n in range(A_SECOND)]
    storm.reports += len(bodies)
    accept = partial(submitting.accept, uow, organisation=city.organisation, source=SOURCE, channel="http")
    await asyncio.gather(*(accept(body=body) for body in bodies))


async def _answer(uow: UnitOfWork, storm: Storm, going_home: list[tuple[float, UUID]]) -> None:
    """Accept every open offer; volunteers who accepted a while ago arrive and are released."""
    asked = [row["id"] for row in await uow.pool.fetch(UNANSWERED)]
    now = time.monotonic()
    home = [offer for since, offer in going_home if since + RELEASED_AFTER_S < now]
    del going_home[: len(home)]
    going_home += [(now, offer) for offer in asked]
    await asyncio.gather(*(_say(uow, offer, "accepted") for offer in asked))
    await asyncio.gather(*(_say(uow, offer, "on_scene", "released") for offer in home))
    storm.answers += len(asked) + 2 * len(home)


async def _say(uow: UnitOfWork, offer: UUID, *answers: Answer) -> None:
    for answer in answers:
        now = uow.clock.now()
        await receiving.receive(uow, offer_id=offer, answer=answer, channel="page", received_at=now)


def _rows(storm: Storm, opened: int, lasting: float) -> list[Row]:
    most = max(size for _, size in storm.memory)
    later = storm.memory[len(storm.memory) // 2 :]
    growth = slope(later) * (later[-1][0] - later[0][0])
    share = growth / most
    what = f"memory of all roles in one process, {lasting / 60:g} minutes of storm"
    done = f"{storm.reports:,} reports, {opened:,} incidents, {storm.answers:,} answers"
    return [
        Row(f"{what}: most", most, "MB", "lower", goal=f"≤ {GOAL_MB:.0f} MB", met=most <= GOAL_MB, limit=done),
        Row(f"{what}: growth over its second half", 100 * share, "% of the most", "lower",
            goal=f"≤ {FLAT:.0%}", met=share <= FLAT, limit=f"{growth:+.1f} MB"),
    ]  # fmt: skip


def slope(samples: Sequence[Sample]) -> float:
    """Fit a line by least squares; return its slope."""
    times, sizes = [when for when, _ in samples], [size for _, size in samples]
    middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((when - middle) ** 2 for when in times)
    return sum((when - middle) * (size - mean) for when, size in samples) / spread if spread else 0.0


@app.default
def soak(*, minutes: float = 60.0) -> None:
    """Print the memory used under load; exit 1 if it exceeds the goal or grows.

    Example: python -m tests.benchmarks.soak --minutes 60

    Parameters
    ----------
    minutes
        How long the storm lasts.
    """
    screen = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    rows = asyncio.run(_soak(screen, minutes))
    screen.print(table(rows))
    sys.exit(not all(row.met for row in rows))


async def _soak(screen: Console, minutes: float) -> list[Row]:
    async with Site.open(screen) as site:
        return await measure(site, minutes)


if __name__ == "__main__":
    app()
