"""The search finds by geodesic distance, across the 180th meridian and far north as elsewhere."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from geopy.distance import geodesic
from geopy.point import Point

from dispatch.clock import MovableClock
from dispatch.domain.matching.geo import distance_m
from schemas.base import Position
from tests.domain.builders import plan
from tests.services.matching.rounds import last_round
from tests.support.world import TRUSTED, World

RADIUS_M = 5000
MANY = plan(
    trusted_sources=(TRUSTED,), seats=({"role": "helper", "skills": ("first_aid",), "count": 3},),
    offers={"open": 12, "per_seat": 4}, search={"radii_m": (RADIUS_M,)},
)  # fmt: skip
PLACES = {
    "Taveuni": Position(lat=-16.8, lon=179.995),
    "Taveuni from the west": Position(lat=-16.8, lon=-179.995),
    "on the meridian": Position(lat=-16.8, lon=180),
    "Chukotka": Position(lat=68.9, lon=-179.99),
    "Longyearbyen": Position(lat=78.22, lon=15.63),
    "Strasbourg": Position(lat=48.58, lon=7.75),
}


def around(place: Position, metres: float, bearing: float) -> Position:
    found = geodesic(meters=metres).destination(Point(place.lat, place.lon), bearing)
    return Position(lat=found.latitude, lon=found.longitude)


async def settle(world: World, places: Sequence[Position]) -> list[UUID]:
    people = await world.add_people(len(places))
    await world.pool.execute("DELETE FROM member_positions WHERE volunteer_id = ANY ($1)", people)
    for who, place in zip(people, places, strict=True):
        await world.set_position(who, place, "home")
    return people


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [MANY]).create()


@pytest.mark.parametrize("where", PLACES)
async def test_those_within_the_radius_are_asked_at_their_geodesic_distance(world: World, where: str) -> None:
    place = PLACES[where]
    homes = [around(place, 400 * n + 150, 97 * n) for n in range(12)]
    outside = [around(place, RADIUS_M + 10, bearing) for bearing in range(0, 360, 30)]
    people = await settle(world, homes)
    await settle(world, outside)
    name = await world.ask(position=place)
    offers = (await world.read(name)).offers.values()
    told = {offer.volunteer_id: offer.distance_m for offer in offers}
    expected = [round(distance_m(place, home)) for home in homes]
    assert told == dict(zip(people, expected, strict=True))
    found = await last_round(world, name)
    assert (found.passed_over, found.people_beyond) == ({}, 0)


@pytest.mark.parametrize("where", ["Taveuni", "Chukotka"])
async def test_a_crowd_on_both_sides_of_the_meridian_is_complete(world: World, where: str) -> None:
    place = PLACES[where]
    crowd = await settle(world, [around(place, 100 + 10 * n, 90 if n % 2 else 270) for n in range(150)])
    await world.pool.execute("DELETE FROM skills")
    fit = await settle(world, [around(place, 2000 + n, 90 if n % 2 else 270) for n in range(2)])
    farther = await settle(world, [around(place, 3000 + n, 90 if n % 2 else 270) for n in range(20)])
    await world.pool.execute(
        "UPDATE memberships SET availability = 'unavailable' WHERE volunteer_id = ANY ($1)", farther
    )
    name = await world.ask(position=place)
    assert await world.asked(name) == fit
    found = await last_round(world, name)
    assert found.passed_over.keys() == set(crowd)
    assert (found.people_beyond, found.beyond) == (20, {"availability": 20})


async def test_a_live_position_across_the_meridian_counts(world: World) -> None:
    place = PLACES["Taveuni"]
    (who,) = await settle(world, [around(place, 40_000, 0)])
    await world.set_position(who, around(place, 1500, 90), at=world.now - timedelta(minutes=1))
    name = await world.ask(position=place)
    assert [offer.distance_m for offer in (await world.read(name)).offers.values()] == [1500]


async def test_nobody_is_found_around_the_whole_earth(world: World) -> None:
    await settle(world, [Position(lat=-16.8, lon=0), Position(lat=-16.8, lon=178)])
    assert await world.asked(await world.ask(position=PLACES["Taveuni"])) == []
