"""A broadcast on the tables: its rounds, its waiting list, and what each transaction costs."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.access import organisations
from dispatch.services.messaging import tokens
from dispatch.services.operations.rebuilding import differences
from dispatch.services.people import opt_out
from tests.domain.builders import plan
from tests.support.world import TRUSTED, World

INVITED = 130
CLEAN_UP = plan(
    ask="broadcast", lane="planned", quiet="off", professional="none", trusted_sources=(TRUSTED,),
    seats=({"role": "helper", "skills": ("first_aid",), "count": 2},),
    offers={"window_s": 86_400, "most": INVITED}, search={"radii_m": (20_000,)},
    en_route_within_s=7 * 86_400,
)  # fmt: skip


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    world = await World(pool, clock, [CLEAN_UP]).create()
    await world.add_people(INVITED + 10)
    return world


async def invited(world: World) -> UUID:
    name = await world.ask()
    await world.advance(5)
    return name


async def waiting(world: World, name: UUID) -> list[UUID]:
    return [offer.volunteer_id for offer in (await world.read(name)).waiting_list()]


async def say_yes(world: World, name: UUID, people: Sequence[UUID]) -> None:
    for who in people:
        world.clock.advance(1)
        await world.answer(name, who, "accepted")


async def test_everybody_is_asked_in_rounds_of_which_the_agenda_begins_the_next(world: World) -> None:
    name = await world.ask()
    assert len(await world.asked(name)) == 100
    await world.advance(4)
    assert len(await world.asked(name)) == 100
    await world.advance(1)
    assert len(await world.asked(name)) == INVITED, "no more than the plan's most"


async def test_a_place_that_falls_free_goes_to_the_first_on_the_list_who_is_free_and_the_journal_says_the_same(
    world: World,
) -> None:
    name = await invited(world)
    people = await world.asked(name)
    await say_yes(world, name, people[:6])
    assert await waiting(world, name) == people[2:6]
    other = await world.open("other")
    await say_yes(world, other, people[2:3])
    await world.answer(name, people[0], "released")
    await world.advance(1)
    assert (await waiting(world, name), (await world.read(name)).seated()) == (people[4:6], True)
    async with world.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        assert not await differences(connection, [name, other])  # type: ignore[arg-type]


async def test_while_new_offers_are_paused_nobody_is_taken_from_the_waiting_list(world: World) -> None:
    name = await invited(world)
    people = await world.asked(name)
    await say_yes(world, name, people[:4])
    await organisations.pause(world.uow, world.organisation, "Ada")
    await world.answer(name, people[0], "released")
    await world.advance(1)
    assert await waiting(world, name) == people[2:4]
    await organisations.resume(world.uow, world.organisation, "Ada")
    await world.advance(1)
    assert await waiting(world, name) == people[3:4]


async def test_who_says_stop_leaves_the_waiting_list_and_a_page_tells_the_others_their_place(
    world: World,
) -> None:
    name = await invited(world)
    people = await world.asked(name)
    await say_yes(world, name, people[:5])
    assert await waiting(world, name) == people[2:5]
    last = (await world.read(name)).waiting_list()[-1]
    async with world.pool.acquire() as connection:
        await tokens.store(connection, tokens.derive(b"secret", last.id, 0), last.id, 0, world.now)  # type: ignore[arg-type]
    assert (await opened(world, last.id)) == ("waitlisted", 3)
    async with world.pool.acquire() as connection, connection.transaction():
        await opt_out.stop(connection, people[2], world.now)  # type: ignore[arg-type]
    assert await waiting(world, name) == people[3:5]
    assert (await opened(world, last.id)) == ("waitlisted", 2)


async def opened(world: World, offer: UUID) -> tuple[str, int | None]:
    view = await tokens.open_token(world.uow, tokens.derive(b"secret", offer, 0), secret=b"secret")
    assert view is not None
    return view.offer_status, view.place
