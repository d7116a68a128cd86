"""Answers of one person count in the order of their receipt, whichever consumer applies them first."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from schemas.decoding import Received, Unreadable
from schemas.replies import Answer
from tests.services.incidents.test_execution import HELPERS, ONE
from tests.support.world import World


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [HELPERS, ONE]).create()


async def said(world: World, name: UUID, who: UUID, answer: Answer, *, key: UUID | None = None) -> UUID:
    """Store an answer to the person's last offer of an incident, one second after the one before."""
    world.clock.advance(1)
    offer = [o for o in (await world.read(name)).offers.values() if o.volunteer_id == who][-1]
    return await world.reply_to(name, offer.id, who, answer, key=key)


async def consume(world: World, *replies: UUID) -> None:
    """Deliver the records of some answers, as the consumer of one partition receives them."""
    await world.deliver("volunteer.replies", [await record(world, reply) for reply in replies])


async def record(world: World, reply: UUID) -> Received | Unreadable:
    row = await world.pool.fetchrow("SELECT * FROM journal WHERE stream = $1", reply)
    assert row is not None
    return world.record_of(row)


async def seated(world: World, name: UUID) -> list[UUID]:
    return [assignment.volunteer_id for assignment in (await world.read(name)).active()]


async def asked_twice(world: World) -> tuple[UUID, UUID, UUID]:
    """Let one person be asked for two incidents; return the person and both."""
    (who,) = await world.add_people(1)
    first = await world.ask("1", kind="medical.one")
    await world.advance(60)
    second = await world.ask("2", kind="medical.one")
    assert await world.asked(second) == [who]
    return who, first, second


async def events(world: World) -> int:
    return int(await world.pool.fetchval("SELECT count(*) FROM journal"))


async def unprocessed(world: World) -> int:
    return int(await world.pool.fetchval("SELECT count(*) FROM replies WHERE processed_at IS NULL"))


async def test_a_yes_keyed_by_person_that_arrives_after_the_no_keyed_by_incident_is_applied_before_it(
    world: World,
) -> None:
    (who,) = await world.add_people(1)
    name = await world.ask()
    yes = await said(world, name, who, "accepted", key=who)
    no = await said(world, name, who, "declined")
    await consume(world, no)
    before = await events(world)
    await consume(world, yes)
    assert await events(world) == before
    assert await seated(world, name) == []
    (assignment,) = (await world.read(name)).assignments.values()
    assert (assignment.status, assignment.reason) == ("released", "withdrew")


async def test_a_yes_stored_after_a_later_no_was_applied_seats_nobody(world: World) -> None:
    (who,) = await world.add_people(1)
    name = await world.ask()
    await consume(world, await said(world, name, who, "declined"))
    await consume(world, await world.reply(name, who, "accepted", world.now - timedelta(milliseconds=1)))
    assert await seated(world, name) == []
    assert await world.asked(name, "declined") == [who]


async def test_a_no_stored_after_a_later_yes_was_applied_releases_nobody(world: World) -> None:
    (who,) = await world.add_people(1)
    name = await world.ask()
    await consume(world, await said(world, name, who, "accepted"))
    await consume(world, await world.reply(name, who, "declined", world.now - timedelta(milliseconds=1)))
    assert await seated(world, name) == [who]


async def test_whoever_leaves_one_incident_and_accepts_another_is_seated_in_whatever_order_it_arrives(
    world: World,
) -> None:
    who, first, second = await asked_twice(world)
    await consume(world, await said(world, first, who, "accepted"))
    left, yes = await said(world, first, who, "released"), await said(world, second, who, "accepted")
    await consume(world, yes)
    await consume(world, left)
    assert (await seated(world, first), await seated(world, second)) == ([], [who])
    assert await unprocessed(world) == 0


@pytest.mark.parametrize("together", [False, True])
async def test_of_two_yes_to_two_incidents_the_first_received_is_seated(
    world: World, *, together: bool
) -> None:
    who, first, second = await asked_twice(world)
    earlier, later = await said(world, first, who, "accepted"), await said(world, second, who, "accepted")
    if together:
        await asyncio.gather(consume(world, later), consume(world, earlier))
    else:
        await consume(world, later)
        await consume(world, earlier)
    assert (await seated(world, first), await seated(world, second)) == ([who], [])
    assert await unprocessed(world) == 0


async def test_two_consumers_that_need_each_others_answers_apply_each_once(world: World) -> None:
    people = await world.add_people(2)
    name = await world.ask()
    yes = [await said(world, name, who, "accepted", key=who) for who in people]
    no = [await said(world, name, who, "declined") for who in people]
    # Each has the yes of one person and the no of the other.
    await asyncio.gather(consume(world, yes[0], no[1]), consume(world, yes[1], no[0]))
    assert await seated(world, name) == []
    assert await unprocessed(world) == 0
    withdrew = "SELECT count(*) FROM journal WHERE type LIKE 'assignment.released%'"
    assert await world.pool.fetchval(withdrew) == 2


async def test_an_earlier_answer_that_is_refused_is_parked_by_its_own_record_alone(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    offers = {o.volunteer_id: o.id for o in (await world.read(name)).offers.values()}
    wrong = await world.reply_to(name, offers[people[1]], people[0], "accepted", world.now)
    await consume(world, await said(world, name, people[0], "accepted"))
    assert await seated(world, name) == [people[0]]
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 0
    await consume(world, wrong)
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 1


async def test_an_answer_applied_with_a_later_one_counts_as_consumed_by_the_group(world: World) -> None:
    who, first, second = await asked_twice(world)
    earlier, later = await said(world, first, who, "accepted"), await said(world, second, who, "declined")
    await consume(world, later)
    consumed = "SELECT count(*) FROM inbox WHERE consumer = 'replies' AND event_id = $1"
    found = await record(world, earlier)
    assert isinstance(found, Received)
    assert await world.pool.fetchval(consumed, found.event_id) == 1
