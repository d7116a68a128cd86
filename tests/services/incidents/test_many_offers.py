"""Incidents that have asked many: what is settled costs nothing, and still counts."""

from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.incident import Incident
from dispatch.storage import incidents as store
from tests.domain.builders import plan
from tests.support.world import TRUSTED, World

MOST, MANY = 2_000, 1_900
"""The most offers that a plan allows, and so many of them that an answer still leads to a search."""
SETTLED = """
    INSERT INTO offers (id, incident_id, volunteer_id, lane, role, status, extended_at, expires_at, settled_at,
                        distance_m, round_id)
    SELECT gen_random_uuid(), $1, gen_random_uuid(), 'urgent', 'helper', 'expired', $2, $2, $2, 9, gen_random_uuid()
    FROM generate_series(1, $3)
"""
COUNTED = "UPDATE incidents SET offers_made = offers_made + $2 WHERE id = $1"
SEVEN = plan(
    seats=({"role": "helper", "skills": ("first_aid",), "count": 2},),
    offers={"open": 7, "per_seat": 7, "window_s": 60, "surplus": 0, "most": MOST},
    trusted_sources=(TRUSTED,),
)


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    world = await World(pool, clock, [SEVEN]).create()
    await world.add_people(21)
    return world


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the rows that each statement returns."""
    found: Counter[str] = Counter()
    execute = asyncpg.Connection._execute  # type: ignore[attr-defined]  # noqa: SLF001 - all fetching methods call it

    async def counted(self: asyncpg.Connection, query: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        result = await execute(self, query, *args, **options)
        found[query] += len(result[0] if isinstance(result, tuple) else result)
        return result

    monkeypatch.setattr(asyncpg.Connection, "_execute", counted)
    return found


async def settle(world: World, name: UUID, count: int) -> None:
    """Add so many offers that expired."""
    await world.pool.execute(SETTLED, name, world.now, count)
    await world.pool.execute(COUNTED, name, count)


async def lock(world: World, name: UUID) -> Incident:
    """Lock an incident as a command does that names no offer."""
    async with world.pool.acquire() as connection, connection.transaction():
        return (await store.lock(connection, [name]))[name]  # type: ignore[arg-type]


async def test_a_yes_returns_no_more_rows_among_many_settled_offers_than_among_seven(
    world: World, rows: Counter[str]
) -> None:
    counts = []
    for number, settled in enumerate((0, MANY)):
        name = await world.ask(str(number))
        await settle(world, name, settled)
        await world.reply(name, (await world.asked(name))[0], "accepted")
        rows.clear()
        await world.consume("volunteer.replies")
        counts.append(rows.total())
    assert counts[0] == counts[1]


async def test_offers_that_are_not_read_count_towards_the_most_that_a_plan_allows(world: World) -> None:
    name = await world.ask()
    await world.answer(name, (await world.asked(name))[0], "declined")
    await settle(world, name, MOST - 9)
    locked = await lock(world, name)
    assert (locked.offers_made, len(locked.live), len(locked.settled)) == (MOST - 1, 7, 0)
    for who in (await world.asked(name))[:3]:
        await world.answer(name, who, "declined")
    assert (await world.read(name)).offers_made == MOST
    assert not offers_wanted(await lock(world, name))


async def test_a_late_yes_is_seated_though_its_offer_is_settled(world: World) -> None:
    name = await world.ask()
    late, *_ = await world.asked(name)
    await world.advance(61)
    await settle(world, name, MANY)
    assert not (await lock(world, name)).settled
    outcomes = []
    for answer in ("accepted", "declined", "accepted"):
        world.clock.advance(1)
        incident = await world.answer(name, late, answer)
        (offer,) = [offer for offer in incident.offers.values() if offer.volunteer_id == late]
        outcomes.append((offer.late, len(list(incident.active()))))
    # The third answer needs the assignment of which the seat is given up: a yes after the release is thanked.
    assert outcomes == [("seated", 1), ("seated", 0), ("thanked", 0)]


async def test_offers_that_an_older_process_makes_are_counted(world: World) -> None:
    name = await world.ask()
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE incidents SET seq = seq + 1 WHERE id = $1", name)
        await connection.execute(SETTLED, name, world.now, 3)
    row = await world.pool.fetchrow("SELECT seq, counted_seq, offers_made FROM incidents WHERE id = $1", name)
    assert row is not None
    assert (row["counted_seq"], row["offers_made"]) == (row["seq"], 10)
