"""Missions of one person: those whose times overlap exclude each other, and planned offers stand in nobody's way."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Gate
from dispatch.services.operations import rebuilding
from tests.domain.builders import plan, watch_plan
from tests.services.matching.test_gates import passed_over
from tests.support.world import TRUSTED, World

ENGAGED = """
    INSERT INTO assignments
        (incident_id, lane, id, offer_id, volunteer_id, seat, status, assigned_at, busy_from, busy_until)
    SELECT md5('clean-up')::uuid, 'planned', gen_random_uuid(), gen_random_uuid(), who, n, 'assigned', $2, $3, $4
    FROM unnest($1::uuid[]) WITH ORDINALITY AS engaged (who, n)
"""
SEATS = ({"role": "helper", "skills": ("first_aid",), "count": 1},)
COMMON = {
    "trusted_sources": (TRUSTED,),
    "seats": SEATS,
    "offers": {"open": 3, "per_seat": 3, "window_s": 3600},
}
RUN = plan(name="run", kinds=("event.run",), lane="planned", quiet="off", **COMMON)
CARE = plan(name="care", kinds=("care.drive",), lane="planned", quiet="off", interruptible=False, **COMMON)
URGENT = plan(name="urgent", kinds=("medical.fall",), **COMMON)
WATCH = watch_plan(name="watch", lane="planned", quiet="off", trusted_sources=(TRUSTED,))


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [RUN, CARE, URGENT, WATCH]).create()


def window(world: World, start: float, end: float) -> dict[str, datetime]:
    """Return a window in hours from now."""
    return {"from": world.now + timedelta(hours=start), "to": world.now + timedelta(hours=end)}


def seated(incident: Incident) -> list[UUID]:
    return [one.volunteer_id for one in incident.active()]


def reasons(incident: Incident) -> set[str]:
    return {one.reason for one in incident.open_escalations()}


async def test_several_planned_missions_ask_one_person_at_once(world: World) -> None:
    (who,) = await world.add_people(1)
    names = [await world.ask(str(n), kind="event.run", window=window(world, 24, 28)) for n in range(3)]
    assert [await world.asked(name) for name in names] == [[who]] * 3
    assert await rebuilding.compare(world.uow) == []


async def test_a_person_takes_planned_missions_one_after_the_other(world: World) -> None:
    (who,) = await world.add_people(1)
    first = await world.ask("1", kind="event.run", window=window(world, 24, 28))
    then = await world.ask("2", kind="event.run", window=window(world, 28, 30))
    assert seated(await world.answer(first, who, "accepted")) == [who]
    assert seated(await world.answer(then, who, "accepted")) == [who]
    assert await rebuilding.compare(world.uow) == []


async def test_a_yes_that_overlaps_ones_own_mission_fills_no_seat_and_a_supervisor_is_told(
    world: World,
) -> None:
    (who,) = await world.add_people(1)
    first = await world.ask("1", kind="event.run", window=window(world, 24, 28))
    other = await world.ask("2", kind="event.run", window=window(world, 27, 30))
    await world.answer(first, who, "accepted")
    found = await world.answer(other, who, "accepted")
    assert seated(found) == []
    assert "overlapping_yes" in reasons(found)
    assert [offer.late for offer in found.offers.values()] == ["thanked"]


async def test_who_has_a_planned_mission_is_not_asked_for_another_at_that_time(world: World) -> None:
    first, second = await world.add_people(2)
    name = await world.ask("1", kind="event.run", window=window(world, 24, 28))
    await world.answer(name, first, "accepted")
    other = await world.ask("2", kind="event.run", window=window(world, 27, 30))
    assert await world.asked(other) == [second]


async def test_the_database_refuses_two_planned_missions_at_one_time(world: World) -> None:
    (who,) = await world.add_people(1)
    for n, (start, end) in enumerate([(24, 28), (28, 30)]):
        name = await world.ask(str(n), kind="event.run", window=window(world, start, end))
        await world.answer(name, who, "accepted")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await world.pool.execute("UPDATE assignments SET busy_until = busy_until + interval '1 hour'")


async def test_an_urgent_yes_frees_what_runs_now_and_leaves_what_comes_later(world: World) -> None:
    (who,) = await world.add_people(1)
    now = await world.ask("1", kind="event.run", window=window(world, -1, 500))
    tomorrow = await world.ask("2", kind="event.run", window=window(world, 501, 510))
    for name in (now, tomorrow):
        await world.answer(name, who, "accepted")
    urgent = await world.ask("3")
    await world.answer(urgent, who, "accepted")
    await world.consume("dispatch.assignments")
    freed = await world.read(now)
    assert (seated(freed), "called_away" in reasons(freed)) == ([], True)
    assert seated(await world.read(tomorrow)) == [who]


async def test_whoever_sets_out_for_what_was_moved_into_the_time_of_another_gives_the_seat_back(
    world: World,
) -> None:
    (who,) = await world.add_people(1)
    moved = await world.ask("1", kind="event.run", window=window(world, 24, 28))
    other = await world.ask("2", kind="event.run", window=window(world, 30, 34))
    await world.answer(moved, who, "accepted")
    await world.answer(other, who, "accepted")
    await world.open("3", updates="1", kind="event.run", window=window(world, 31, 33))
    assert seated(await world.answer(moved, who, "en_route")) == []
    assert await rebuilding.compare(world.uow) == []


async def test_who_holds_a_patient_is_asked_for_nothing_else_while_the_mission_runs(world: World) -> None:
    (who,) = await world.add_people(1)
    care = await world.ask("1", kind="care.drive", window=window(world, 1, 3))
    await world.answer(care, who, "accepted")
    before = await world.ask("2", severity="life_threatening")
    assert await world.asked(before) == [who]
    await world.answer(before, who, "declined")
    world.clock.advance(2 * 3600)
    during = await world.ask("3", severity="life_threatening")
    assert await world.asked(during) == []
    world.clock.advance(2 * 3600)
    assert await world.asked(await world.ask("4", severity="life_threatening")) == [who]


async def test_who_has_said_yes_to_what_cannot_be_interrupted_is_not_freed_by_an_urgent_yes(
    world: World,
) -> None:
    (who,) = await world.add_people(1)
    care = await world.ask("1", kind="care.drive", window=window(world, 1, 3))
    await world.answer(care, who, "accepted")
    await world.answer(await world.ask("2"), who, "accepted")
    await world.consume("dispatch.assignments")
    assert seated(await world.read(care)) == [who]


async def test_a_clean_up_of_three_weeks_stops_neither_a_cardiac_arrest_nor_a_notice(world: World) -> None:
    (who,) = await world.add_people(1, skills=("first_aid", "watch"))
    clean_up = await world.ask("1", kind="event.run", window=window(world, -1, 500))
    await world.answer(clean_up, who, "accepted")
    assert await world.asked(await world.ask("2", severity="life_threatening")) == [who]
    assert await world.asked(await world.ask("3", kind="watch.odour")) == [who]


async def test_two_incidents_that_want_one_person_at_once_free_them_once(world: World) -> None:
    (who,) = await world.add_people(1)
    litter = await world.ask("1", kind="event.run", window=window(world, -1, 5))
    await world.answer(litter, who, "accepted")
    await world.answer(await world.ask("2"), who, "accepted")
    await world.consume("dispatch.assignments")
    await world.consume("dispatch.assignments", again=True)
    found = await world.read(litter)
    assert [one.reason for one in found.assignments.values()] == ["overlap"]


async def test_what_was_moved_while_somebody_is_there_still_takes_the_time_for_which_they_came(
    world: World,
) -> None:
    who, other = await world.add_people(2)
    run = await world.ask("1", kind="event.run", window=window(world, 0, 4))
    later = await world.ask("2", kind="event.run", window=window(world, 2, 6))
    await world.answer(run, who, "accepted", "en_route", "on_scene")
    await world.open("3", updates="1", kind="event.run", window=window(world, 24, 28))
    await world.reply(run, other, "declined")
    await world.reply(later, who, "accepted")
    await world.consume("volunteer.replies")
    assert "overlapping_yes" in reasons(await world.read(later))


async def test_others_farther_off_are_asked_where_everybody_near_is_engaged_at_that_time(
    world: World,
) -> None:
    people = await world.add_people(160, step_m=2)
    at = window(world, 24, 28)
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(ENGAGED, people[:155], world.now, at["from"], at["to"])
    name = await world.ask(kind="event.run", window=window(world, 26, 30))
    assert await world.asked(name) == people[155:158]
    assert (await passed_over(world, name))[people[0]][1] == Gate.ENGAGED
