"""Many transactions at once on the same incidents and people: the invariants hold, and nothing is refused."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Literal

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.errors import RefusedError
from dispatch.services.incidents import execution
from dispatch.services.incidents.agenda import AgendaRunner
from schemas.replies import Answer
from tests.domain.builders import plan
from tests.support.world import TRUSTED, World

PLAN = plan(trusted_sources=(TRUSTED,), offers={"open": 4, "per_seat": 2, "window_s": 20, "surplus": 1})
ACTS: list[Literal["hold", "resume", "takeover", "give-back"]] = ["hold", "resume", "takeover", "give-back"]
ANSWERS: list[Answer] = ["accepted", "accepted", "declined", "en_route", "on_scene", "released"]


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    world = await World(pool, clock, [PLAN]).create()
    await world.add_people(40)
    return world


async def rows(world: World, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await world.pool.fetch(query)]


async def check(world: World) -> None:
    """Look for what must never be, apart from what the indexes refuse."""
    assert await rows(world, "SELECT * FROM parking") == []
    assert await rows(world, "SELECT * FROM escalations WHERE subject_kind = 'system'") == []
    seated_without_place = (
        "SELECT a.id FROM assignments a LEFT JOIN seats s ON s.assignment_id = a.id"
        " WHERE a.status <> 'released' AND s.number IS DISTINCT FROM a.seat"
    )
    assert await rows(world, seated_without_place) == []
    two_lives = (
        "SELECT volunteer_id FROM assignments WHERE status <> 'released'"
        " GROUP BY volunteer_id, lane HAVING count(*) > 1 UNION"
        " SELECT volunteer_id FROM offers WHERE status = 'extended'"
        " GROUP BY volunteer_id, lane HAVING count(*) > 1"
    )
    assert await rows(world, two_lives) == []
    asked_while_engaged = (
        "SELECT o.id FROM offers o JOIN assignments a USING (volunteer_id, lane)"
        " WHERE o.incident_id <> a.incident_id AND o.extended_at > a.assigned_at"
        " AND o.extended_at < coalesce(a.released_at, 'infinity')"
    )
    assert await rows(world, asked_while_engaged) == []


async def test_incidents_considered_at_once_never_ask_anybody_twice(world: World) -> None:
    for number in range(8):
        await world.open_unasked(str(number))
    topics = await world.pool.fetch("SELECT * FROM journal WHERE topic = 'incident.events' ORDER BY id")
    records = [world.record_of(row) for row in topics]
    await asyncio.gather(*(world.deliver("incident.events", [record]) for record in records))
    for _ in range(10):
        await world.advance(1)
    counts = await rows(
        world, "SELECT incident_id, count(*) FROM offers WHERE status = 'extended' GROUP BY 1"
    )
    assert [count for _, count in counts] == [4] * 8
    await check(world)


async def test_concurrent_answers_ticks_and_acts_keep_every_invariant(world: World) -> None:
    dice = random.Random(7)
    names = [await world.ask(str(number)) for number in range(6)]
    agendas = [AgendaRunner(world.uow) for _ in range(3)]

    async def answer() -> None:
        offer = await world.pool.fetchrow(
            "SELECT * FROM offers ORDER BY md5(id::text || $1) LIMIT 1", str(dice.random())
        )
        if offer is not None:
            reply = await world.reply_to(
                offer["incident_id"], offer["id"], offer["volunteer_id"], dice.choice(ANSWERS)
            )
            (row,) = await world.pool.fetch("SELECT * FROM journal WHERE stream = $1", reply)
            await world.deliver("volunteer.replies", [world.record_of(row)])

    async def tick() -> None:
        await dice.choice(agendas).run_round()

    async def act() -> None:
        order = Act(dice.choice(ACTS), "Ada")
        try:
            await execution.execute_command(world.uow, world.organisation, dice.choice(names), order)
        except RefusedError:
            return

    tasks: list[Callable[[], Awaitable[None]]] = [*[answer] * 8, tick, tick, act]
    for _ in range(25):
        await asyncio.gather(*(dice.choice(tasks)() for _ in range(8)))
        await check(world)
        world.clock.advance(dice.choice([0.5, 3, 11]))
    assert await world.pool.fetchval("SELECT count(*) FROM assignments") > 10
