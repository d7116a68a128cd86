"""Choosing volunteers: search, allocation and claim, among few volunteers and among a million."""

import random
from collections.abc import Sequence
from time import perf_counter

import asyncpg

from dispatch.clock import Clock
from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import allocate
from dispatch.storage.candidates import claim, search
from dispatch.storage.pool import open_pool, transaction
from schemas.ids import new_id
from schemas.plans import Plan
from tests.benchmarks.figures import median
from tests.benchmarks.rig.population import LOAD_S, ORGANISATION, Square, settle
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.domain.builders import incident, plan

NAME = "choosing"
SEVEN = plan(
    offers={"open": 7, "per_seat": 4, "window_s": 60, "surplus": 1},
    search={"radii_m": (3000,), "rest_s": 8 * 3600},
)
CREW = plan(
    engagement="crew", professional="informed", kinds=("medical.fall",),
    seats=(
        {"role": "driver", "skills": ("firefighter",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 1},
        {"role": "firefighter", "skills": ("firefighter",), "count": 4},
    ),
    offers={"open": 12, "per_seat": 2, "window_s": 90}, search={"radii_m": (3000,), "rest_s": 8 * 3600},
)  # fmt: skip
BATCHES = (1, 10, 100)
INCIDENTS = 600
"""Incidents measured per batch size; the same number run first, so that frequently used pages are in memory."""
FEW, MANY = 10_000, 1_000_000
GOAL = 2.0


async def measure(site: Site) -> list[Row]:
    """Choose among ten thousand, then among a hundred times as many at the same density and on the same area."""
    many = MANY // 50 if site.quick else MANY
    few = await _choose(site, Square.of(FEW))
    rows = [_row("7 of a batch of", FEW, size, few[size]) for size in BATCHES]
    rows.append(_row("a crew of 6, 12 asked, in a batch of", FEW, 0, few[0]))
    for square, ground in (
        (Square.of(many // 10), "same density"),
        (Square.of(many), "same density"),
        (Square(many, Square.of(FEW).side_m), "same ground"),
    ):
        found = await _choose(site, square)
        rows += [_row(f"{ground}, 7 of a batch of", square.people, n, found[n], few[n]) for n in BATCHES]
    return rows


def _row(what: str, people: int, size: int, value: float, bound: float | None = None) -> Row:
    met = None if bound is None else value <= GOAL * bound
    return Row(
        f"choosing among {people:,}, {what} {size or 10}", value, "ms/incident", "lower", bound,
        "" if bound is None else f"the same among {FEW:,}", "" if bound is None else f"≤ {GOAL:.0f}×", met,
    )  # fmt: skip


async def _choose(site: Site, square: Square) -> dict[int, float]:
    """Return the milliseconds per incident by batch size; 0 stands for crews in batches of ten."""
    site.say(f"settling {square.people:,} volunteers")
    pool = await open_pool(await site.database(), application="benchmark", size=1)
    async with pool.acquire() as connection:
        await settle(connection, square, Clock().now())  # type: ignore[arg-type]
        await connection.execute("VACUUM ANALYZE", timeout=LOAD_S)
    site.say(f"choosing among {square.people:,} volunteers")
    found = {size: await _batches(pool, square, SEVEN, size) for size in BATCHES}
    found[0] = await _batches(pool, square, CREW, 10)
    await pool.close()
    return found


async def _batches(pool: asyncpg.Pool, square: Square, under: Plan, size: int) -> float:
    chance = random.Random(size)
    batches = [[_somewhere(square, under, chance) for _ in range(size)] for _ in range(INCIDENTS // size)]
    for batch in batches:
        await _one(pool, batch)
    return 1000 * median([await _one(pool, batch) for batch in batches]) / size


def _somewhere(square: Square, under: Plan, chance: random.Random) -> Incident:
    place = square.at(chance.uniform(0.1, 0.9), chance.uniform(0.1, 0.9))
    return incident(under, position=place, report_id=new_id(), organisation=ORGANISATION)


async def _one(pool: asyncpg.Pool, batch: Sequence[Incident]) -> float:
    """Choose for a batch as the services do, including the claim; return the seconds."""
    now, wanted = Clock().now(), {one.id: offers_wanted(one) for one in batch}
    async with transaction(pool) as connection:
        began = perf_counter()
        found = await search(connection, batch, wanted, now)
        choices = allocate(batch, wanted, found)
        await claim(connection, choices, batch, now)
        return perf_counter() - began
