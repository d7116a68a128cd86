"""A skill that ends before the mission does is none."""

from datetime import timedelta

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.matching.selection import Gate
from tests.services.matching.test_lists import asking, gates_of, world_of


@pytest.mark.parametrize("nearer", [1, 70], ids=["near", "in a crowd"])
async def test_a_skill_is_looked_at_for_the_end_of_the_window(
    pool: asyncpg.Pool, clock: MovableClock, nearer: int
) -> None:
    world = await world_of(pool, clock, asking(1))
    await world.add_people(nearer, skills=("driver",))
    (outdated,) = await world.add_people(1, first_m=900)
    (valid,) = await world.add_people(1, first_m=950)
    await pool.execute(
        "UPDATE skills SET expires_at = $1 WHERE volunteer_id = $2", world.now + timedelta(hours=1), outdated
    )
    window = {"from": world.now.isoformat(), "to": (world.now + timedelta(hours=2)).isoformat()}
    later = await world.ask("1", window=window)
    assert await world.asked(later) == [valid]
    assert await gates_of(world, later, outdated) == Gate.SKILL
    await world.answer(later, valid, "declined")
    assert await world.asked(await world.ask("2")) == [outdated]


async def test_a_skill_is_looked_at_for_the_end_that_the_plan_says(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking(1, ends_after_s=7200))
    outdated, valid = await world.add_people(2)
    await pool.execute(
        "UPDATE skills SET expires_at = $1 WHERE volunteer_id = $2", world.now + timedelta(hours=1), outdated
    )
    assert await world.asked(await world.ask()) == [valid]
