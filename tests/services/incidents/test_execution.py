"""Assembling people: who is asked when, replaced by whom, and what their answers lead to."""

from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.incident import Incident
from dispatch.services.access import organisations
from dispatch.services.incidents import execution
from tests.domain.builders import plan, watch_plan
from tests.support.world import TRUSTED, World

HELPERS = plan(trusted_sources=(TRUSTED,), seats=({"role": "helper", "skills": ("first_aid",), "count": 2},))
ONE = plan(
    name="one", kinds=("medical.one",), trusted_sources=(TRUSTED,), offers={"open": 1, "window_s": 60},
    seats=({"role": "helper", "skills": ("first_aid",), "count": 1},), search={"radii_m": (1000,), "retry_s": 30},
)  # fmt: skip
CREW = plan(
    name="crew", kinds=("fire.*",), engagement="crew", professional="informed", forbidden_hazards=(),
    seats=(
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "crew_leader", "skills": ("crew_leader",), "count": 1},
        {"role": "firefighter", "skills": ("firefighter",), "count": 4},
    ),
    offers={"open": 6, "per_seat": 1, "window_s": 90},
)  # fmt: skip
WATCH = watch_plan(
    name="watch",
    lane="planned",
    quiet="off",
    seats=({"role": "watcher", "skills": ("watch",), "count": 1},),
    steps=({"after_s": 3600, "level": 1, "do": "page"},),
)


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [HELPERS, ONE, CREW, WATCH]).create()


async def act(world: World, name: UUID, *acts: str) -> Incident:
    for what in acts:
        order = Act(what, "Ada")  # type: ignore[arg-type]
        incident = await execution.execute_command(world.uow, world.organisation, name, order)
    return incident


async def test_the_nearest_are_asked_as_many_as_the_plan_keeps_open(world: World) -> None:
    people = await world.add_people(8)
    assert await world.asked(await world.ask()) == people[:4]


async def test_two_incidents_at_one_place_in_one_batch_ask_different_people(world: World) -> None:
    people = await world.add_people(8)
    await world.send("1")
    await world.send("2")
    await world.consume_all()
    names = await world.pool.fetch("SELECT id FROM incidents")
    asked = [await world.asked(row["id"]) for row in names]
    assert [len(one) for one in asked] == [4, 4]
    assert sorted(who for one in asked for who in one) == sorted(people)
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_twenty_incidents_at_one_place_in_one_batch_ask_everybody_they_want(world: World) -> None:
    people = await world.add_people(80, step_m=1)
    for number in range(20):
        await world.send(str(number))
    await world.consume_all()
    for _ in range(10):
        await world.advance(1)
    counts = await world.pool.fetch(
        "SELECT count(*) AS n FROM offers WHERE status = 'extended' GROUP BY incident_id"
    )
    assert [row["n"] for row in counts] == [4] * 20
    assert await world.pool.fetchval("SELECT count(DISTINCT volunteer_id) FROM offers") == len(people)
    assert await world.pool.fetchval("SELECT max(ring) FROM incidents") == 0
    assert await world.pool.fetchval("SELECT count(*) FROM escalations") == 0


async def test_the_most_severe_incident_of_a_batch_asks_the_nearest(world: World) -> None:
    people = await world.add_people(8)
    await world.send("1", severity="routine")
    severe = await world.send("2", severity="life_threatening")
    await world.consume_all()
    assert await world.asked(await world.incident_of(severe)) == people[:4]


async def test_a_crew_is_asked_by_skill_and_the_scarcest_role_first(world: World) -> None:
    plain = await world.add_people(4, skills=("firefighter",), first_m=200)
    leader = await world.add_people(1, skills=("firefighter", "crew_leader"), first_m=100)
    driver = await world.add_people(1, skills=("firefighter", "crew_leader", "driver"), first_m=50)
    incident = await world.read(await world.ask(kind="fire.house"))
    roles = {o.volunteer_id: o.role for o in incident.offers.values()}
    assert roles == dict.fromkeys(plain, "firefighter") | {leader[0]: "crew_leader", driver[0]: "driver"}
    for who in roles:
        incident = await world.answer(incident.id, who, "accepted")
    assert incident.covered_at is not None
    assert Counter(s.role for s in incident.seats if s.assignment_id) == {
        "driver": 1,
        "crew_leader": 1,
        "firefighter": 4,
    }


async def test_a_volunteer_who_declines_is_replaced_at_once(world: World) -> None:
    people = await world.add_people(6)
    name = await world.ask()
    await world.answer(name, people[1], "declined")
    assert await world.asked(name) == [people[0], *people[2:5]]


async def test_a_volunteer_who_does_not_answer_is_replaced_when_the_offer_expires(world: World) -> None:
    people = await world.add_people(8)
    name = await world.ask()
    await world.answer(name, people[0], "accepted")
    await world.advance(60)
    assert await world.asked(name, "expired") == people[1:4]
    assert await world.asked(name) == people[4:6]


async def test_the_surplus_is_stood_down_when_the_seats_are_filled(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    await world.answer(name, people[0], "accepted")
    incident = await world.answer(name, people[3], "accepted")
    assert incident.covered_at == world.now
    assert await world.asked(name, "withdrawn") == people[1:3]


async def test_the_search_widens_at_once_where_too_few_are_near(world: World) -> None:
    near_by = await world.add_people(1)
    far = await world.add_people(2, first_m=1500)
    name = await world.open()
    assert await world.asked(name) == near_by
    await world.consume("incident.events")
    assert await world.asked(name) == near_by + far


async def test_a_shortfall_escalates_and_the_search_is_repeated(world: World) -> None:
    name = await world.ask(kind="medical.one")
    incident = await world.read(name)
    assert [e.reason for e in incident.open_escalations()] == ["uncovered"]
    (who,) = await world.add_people(1)
    await world.advance(29)
    assert await world.asked(name) == []
    await world.advance(1)
    assert await world.asked(name) == [who]


async def test_a_pause_stops_asking_and_the_end_of_the_pause_goes_on(world: World) -> None:
    people = await world.add_people(4)
    await organisations.pause(world.uow, world.organisation, "Ada")
    name = await world.ask()
    await world.advance(5)
    assert await world.asked(name) == []
    await organisations.resume(world.uow, world.organisation, "Ada")
    await world.advance(1)
    assert await world.asked(name) == people


async def test_a_pause_lets_a_recall_through(world: World) -> None:
    people = await world.add_people(4)
    name = await world.ask()
    await organisations.pause(world.uow, world.organisation, "Ada")
    assert set((await act(world, name, "abort")).recalls) == set(people)


async def test_an_urgent_assignment_releases_the_volunteer_from_planned_ones(world: World) -> None:
    (who,) = await world.add_people(1, skills=("watch", "first_aid"))
    notice = await world.ask("1", kind="watch.odour")
    urgent = await world.ask("2")
    await world.answer(urgent, who, "accepted")
    await world.consume("dispatch.assignments")
    assert await world.asked(notice, "withdrawn") == [who]
    assert [a.volunteer_id for a in (await world.read(urgent)).active()] == [who]


async def test_an_urgent_assignment_frees_a_planned_seat_and_the_next_is_asked(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    planned = plan(
        name="planned", kinds=("planned.*",), lane="planned", quiet="off", trusted_sources=(TRUSTED,)
    )
    world = await World(pool, clock, [HELPERS, planned]).create()
    people = await world.add_people(6)
    name = await world.ask("1", kind="planned.event")
    for who in people[:2]:
        await world.answer(name, who, "accepted")
    await world.answer(await world.ask("2"), people[0], "accepted")
    await world.consume("dispatch.assignments")
    incident = await world.read(name)
    freed = next(a for a in incident.assignments.values() if a.volunteer_id == people[0])
    assert (freed.reason, incident.covered_at) == ("overlap", None)
    assert [a.volunteer_id for a in incident.active()] == people[1:2]
    assert await world.asked(name) == people[4:6]


async def test_a_planned_assignment_frees_nothing(pool: asyncpg.Pool, clock: MovableClock) -> None:
    planned = plan(lane="planned", quiet="off", trusted_sources=(TRUSTED,))
    world = await World(pool, clock, [planned]).create()
    people = await world.add_people(2)
    name = await world.ask()
    await world.answer(name, people[0], "accepted")
    await world.consume("dispatch.assignments")
    assert [a.volunteer_id for a in (await world.read(name)).active()] == [people[0]]


async def test_a_notice_that_enough_have_seen_is_closed(world: World) -> None:
    (who,) = await world.add_people(1, skills=("watch",))
    name = await world.ask(kind="watch.odour")
    incident = await world.answer(name, who, "accepted")
    assert incident.status == "closed"


async def test_an_incident_whose_responders_have_come_back_is_closed(world: World) -> None:
    people = await world.add_people(2)
    name = await world.ask()
    for who in people:
        await world.answer(name, who, "accepted", "en_route", "on_scene")
    for who in people:
        incident = await world.answer(name, who, "released")
    assert incident.status == "closed"
    assert await world.pool.fetchval("SELECT count(*) FROM agenda WHERE subject = $1", name) == 0
