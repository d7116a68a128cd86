"""What answers lead to: late ones, two at once, and those that name somebody else's offer."""

from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import AnswerOffer, Command, Tick
from dispatch.domain.incident import Incident
from dispatch.services.incidents import execution
from dispatch.storage.pool import transaction
from tests.domain.builders import plan
from tests.services.incidents.test_execution import HELPERS, ONE
from tests.support.world import TRUSTED, World


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [HELPERS, ONE]).create()


def outcome(incident: Incident, who: UUID) -> str | None:
    return next(o.late for o in incident.offers.values() if o.volunteer_id == who)


async def test_a_late_yes_is_seated_where_a_seat_is_free(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    await world.advance(61)
    incident = await world.answer(name, people[0], "accepted")
    assert outcome(incident, people[0]) == "seated"
    assert [a.volunteer_id for a in incident.active()] == [people[0]]


async def test_a_late_yes_is_thanked_where_no_seat_is_free(world: World) -> None:
    people = await world.add_people(2)
    name = await world.ask(kind="medical.one")
    await world.advance(60)
    await world.answer(name, people[1], "accepted")
    incident = await world.answer(name, people[0], "accepted")
    assert outcome(incident, people[0]) == "thanked"
    assert [a.volunteer_id for a in incident.active()] == [people[1]]


async def test_a_late_yes_takes_a_reserve_seat(pool: asyncpg.Pool, clock: MovableClock) -> None:
    reserve = plan(trusted_sources=(TRUSTED,), offers={"open": 3, "per_seat": 1, "surplus": 1})
    world = await World(pool, clock, [reserve]).create()
    people = await world.add_people(3)
    name = await world.ask()
    await world.answer(name, people[0], "accepted")
    await world.answer(name, people[1], "accepted")
    await world.advance(61)
    assert outcome(await world.answer(name, people[2], "accepted"), people[2]) == "reserve"


async def test_a_yes_received_in_time_counts_even_if_processed_late(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    await world.reply(name, people[0], "accepted", world.now)
    await world.advance(66)
    await world.consume("volunteer.replies")
    incident = await world.read(name)
    assert (outcome(incident, people[0]), len(list(incident.active()))) == (None, 1)


async def test_one_person_who_says_yes_to_two_incidents_in_one_batch_gets_one_seat(world: World) -> None:
    (who,) = await world.add_people(1)
    first = await world.ask("1", kind="medical.one")
    await world.advance(60)
    second = await world.ask("2", kind="medical.one")
    assert await world.asked(second) == [who]
    await world.reply(first, who, "accepted")
    await world.reply(second, who, "accepted")
    await world.consume("volunteer.replies")
    incidents = [await world.read(first), await world.read(second)]
    assert [len(list(i.active())) for i in incidents] == [1, 0]
    assert outcome(incidents[1], who) == "thanked"


async def test_a_volunteer_who_withdraws_can_take_another_seat_in_the_same_batch(world: World) -> None:
    (who,) = await world.add_people(1)
    first = await world.ask("1", kind="medical.one")
    await world.advance(60)
    second = await world.ask("2", kind="medical.one")
    await world.answer(first, who, "accepted")
    await world.reply(first, who, "released")
    await world.reply(second, who, "accepted")
    await world.consume("volunteer.replies")
    assert [a.volunteer_id for a in (await world.read(second)).active()] == [who]


async def test_a_volunteer_seated_by_a_late_yes_gets_no_other_offer_in_the_same_batch(
    world: World,
) -> None:
    (who,) = await world.add_people(1)
    first = await world.ask("1", kind="medical.one")
    await world.advance(60)
    second = await world.open_unasked("2", kind="medical.one")
    (offer,) = (await world.read(first)).offers
    orders: list[tuple[UUID, Command]] = [
        (second, Tick()),
        (first, AnswerOffer(offer, who, "accepted", "page", world.now)),
    ]
    async with transaction(world.pool) as connection:
        await execution.lock_and_execute(connection, orders, world.now)
    assert [a.volunteer_id for a in (await world.read(first)).active()] == [who]
    assert await world.asked(second) == []


async def test_an_answer_to_another_volunteers_offer_is_parked_and_the_others_are_applied(
    world: World,
) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    offer = next(o.id for o in (await world.read(name)).offers.values() if o.volunteer_id == people[1])
    await world.reply_to(name, offer, people[3], "accepted")
    await world.reply(name, people[0], "accepted")
    await world.consume("volunteer.replies")
    assert [a.volunteer_id for a in (await world.read(name)).active()] == [people[0]]
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 1
