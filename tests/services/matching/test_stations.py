"""The search for a crew among the members of stations, and the search around a named point."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.matching.selection import Gate
from dispatch.services.operations import rebuilding
from dispatch.services.people import muster_points
from dispatch.services.people.muster_points import Point
from dispatch.storage import write_generation
from dispatch.storage.packed_reasons import reasons_of
from tests.domain.builders import PLACE, plan
from tests.support.world import TRUSTED, World, near

CREW = plan(
    kinds=("fire.house",), engagement="crew", muster="station", professional="informed", forbidden_hazards=(),
    trusted_sources=(TRUSTED,),
)  # fmt: skip
AT_A_POINT = plan(name="gathering", muster="Square", trusted_sources=(TRUSTED,))
BARR, SQUARE = near(PLACE, 5000), near(PLACE, 0, 3000)


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    """Make a town with a station five kilometres north of the incidents, and a point three kilometres east."""
    made = await World(pool, clock, plans=(CREW, AT_A_POINT)).create()
    points = [Point("Barr", "station", BARR.lat, BARR.lon), Point("Square", "point", SQUARE.lat, SQUARE.lon)]
    await muster_points.put(made.uow, made.organisation, points)
    return made


async def join(world: World, people: Sequence[UUID]) -> None:
    """Make people members of the station."""
    await world.pool.execute(
        "UPDATE memberships SET station = (SELECT id FROM muster_points WHERE name = 'Barr')"
        " WHERE volunteer_id = ANY ($1::uuid[])",
        people,
    )


async def passed_over(world: World) -> dict[UUID, tuple[int, int]]:
    row = await world.pool.fetchrow("SELECT * FROM rounds ORDER BY at LIMIT 1")
    assert row is not None
    return {one.volunteer_id: (one.distance_m, one.gates) for one in reasons_of(row)}


async def test_only_members_are_asked_and_their_distance_counts_to_the_station(world: World) -> None:
    members = await world.add_people(2, around=BARR, first_m=300, step_m=100)
    await join(world, members)
    (stranger,) = await world.add_people(1, first_m=50)
    incident = await world.read(await world.ask(kind="fire.house"))
    offers = sorted(incident.offers.values(), key=lambda offer: offer.distance_m)
    assert [(one.volunteer_id, one.distance_m, one.muster) for one in offers] == [
        (members[0], 300, "Barr"),
        (members[1], 400, "Barr"),
    ]
    assert (await passed_over(world))[stranger] == (50, Gate.STATION)
    assert await rebuilding.compare(world.uow) == []


async def test_a_member_who_is_too_far_from_the_station_is_not_asked(world: World) -> None:
    home, away = await world.add_people(2, around=BARR, first_m=300)
    await join(world, [home, away])
    await world.set_position(away, near(BARR, 2500))
    assert await world.asked(await world.ask(kind="fire.house")) == [home]


async def test_where_no_station_has_members_people_are_searched_around_the_scene(world: World) -> None:
    people = await world.add_people(2)
    name = await world.ask(kind="fire.house")
    assert await world.asked(name) == people
    assert "no_muster_point" in {one.reason for one in (await world.read(name)).open_escalations()}


async def test_while_a_process_of_release_0_1_0_runs_people_go_to_the_scene(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_generation, "current", 1)
    await join(world, await world.add_people(1, around=BARR))
    near_by = await world.add_people(1)
    name = await world.ask(kind="fire.house")
    assert await world.asked(name) == near_by
    assert (await world.read(name)).musters == ()


async def test_people_are_searched_around_the_named_point_where_they_gather(world: World) -> None:
    await world.add_people(1, first_m=50)
    gathered = await world.add_people(1, around=SQUARE, first_m=200)
    name = await world.ask(kind="medical.fall")
    assert await world.asked(name) == gathered
    (offer,) = (await world.read(name)).offers.values()
    assert (offer.distance_m, offer.muster) == (200, "Square")
