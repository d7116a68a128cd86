"""Positions from trackers: the newest counts, and nobody moves another organisation's people."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.people.position_handler import TOPIC, handle_positions
from dispatch.storage.pool import transaction
from schemas.base import Position
from schemas.decoding import Received, Unreadable, decode
from schemas.ids import named, new_id
from schemas.volunteers import PositionMoved
from tests.domain.builders import PLACE
from tests.support.world import World, near


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


def moved(
    world: World, who: UUID, place: Position, seconds: float = 0, organisation: UUID | None = None
) -> Received:
    at = world.now + timedelta(seconds=seconds)
    data = PositionMoved(at=at, volunteer_id=who, lat=place.lat, lon=place.lon, recorded_at=at)
    return Received(
        new_id(), data.type, data, organisation or world.organisation, "actual", 0, at, at, "tracker",
        ours=False, key=str(who).encode(),
    )  # fmt: skip


def ended(who: UUID) -> Received:
    record = decode(TOPIC, str(who).encode(), [], None)
    assert isinstance(record, Received)
    return record


async def heard(world: World, *records: Received | Unreadable) -> None:
    async with transaction(world.pool) as connection:
        await handle_positions(connection, records, world.now)


async def live(world: World, who: UUID) -> Sequence[float] | None:
    row = await world.pool.fetchrow(
        "SELECT lat, lon FROM member_positions WHERE kind = 'live' AND volunteer_id = $1", who
    )
    return None if row is None else tuple(row)


def at(place: Position) -> Sequence[float]:
    return (place.lat, place.lon)


async def test_the_newest_position_of_a_batch_is_stored_whatever_its_order(world: World) -> None:
    (who,) = await world.add_people(1)
    old, new = near(PLACE, 100), near(PLACE, 200)
    await heard(world, moved(world, who, new, -1), moved(world, who, old, -60))
    assert await live(world, who) == at(new)
    await heard(world, moved(world, who, old, -30))
    assert await live(world, who) == at(new)


async def test_a_move_under_thirty_metres_leaves_the_position_as_it_is(world: World) -> None:
    (who,) = await world.add_people(1)
    await heard(world, moved(world, who, PLACE, -9))
    await heard(world, moved(world, who, near(PLACE, 29), -8))
    assert await live(world, who) == at(PLACE)
    await heard(world, moved(world, who, near(PLACE, 31), -7))
    assert await live(world, who) == at(near(PLACE, 31))


async def test_a_tombstone_ends_the_live_position_and_leaves_home(world: World) -> None:
    (who, other) = await world.add_people(2)
    await heard(world, moved(world, who, PLACE), moved(world, other, PLACE))
    await heard(world, ended(who))
    assert (await live(world, who), await live(world, other)) == (None, at(PLACE))
    assert await world.pool.fetchval("SELECT count(*) FROM member_positions WHERE kind = 'home'") == 2


async def test_what_comes_after_a_tombstone_in_one_batch_counts(world: World) -> None:
    (who, other) = await world.add_people(2)
    place = near(PLACE, 500)
    await heard(world, moved(world, who, PLACE, -9), ended(who), moved(world, who, place, -8))
    await heard(world, moved(world, other, place, -9), ended(other))
    assert (await live(world, who), await live(world, other)) == (at(place), None)


async def test_a_tombstone_that_names_nobody_ends_nothing(world: World) -> None:
    (who,) = await world.add_people(1)
    await heard(world, moved(world, who, PLACE))
    for key in (b"", b"\xff\xfe", b"everybody"):
        record = decode(TOPIC, key, [], None)
        assert isinstance(record, Received)
        await heard(world, record)
    assert await live(world, who) == at(PLACE)


async def test_a_position_from_the_future_is_refused_and_shuts_out_nothing(world: World) -> None:
    (who,) = await world.add_people(1)
    await heard(world, moved(world, who, near(PLACE, 900), 301))
    assert await live(world, who) is None
    await heard(world, moved(world, who, near(PLACE, 900), 301), moved(world, who, PLACE))
    assert await live(world, who) == at(PLACE)


async def test_a_tracker_moves_nobody_of_another_organisation(world: World) -> None:
    (who,) = await world.add_people(1)
    await heard(world, moved(world, who, PLACE, 0, named("organisation", "other")))
    assert await live(world, who) is None


async def test_a_tracker_names_a_person_by_the_members_id_in_its_organisation(world: World) -> None:
    who, untouched = await world.add_people(2)
    member = await world.pool.fetchval("SELECT id FROM memberships WHERE volunteer_id = $1", who)
    await heard(world, moved(world, member, PLACE), moved(world, untouched, PLACE))
    assert await live(world, who) == at(PLACE)
    await heard(world, moved(world, member, near(PLACE, 500), 1, named("organisation", "other")))
    assert await live(world, who) == at(PLACE)
    await heard(world, ended(member))
    assert (await live(world, who), await live(world, untouched)) == (None, at(PLACE))


async def test_an_unknown_volunteer_is_ignored_and_the_others_are_stored(world: World) -> None:
    (who,) = await world.add_people(1)
    await heard(world, moved(world, new_id(), PLACE), moved(world, who, PLACE))
    assert await live(world, who) == at(PLACE)


async def test_an_unreadable_position_is_parked_and_reported_and_the_others_are_stored(world: World) -> None:
    (who,) = await world.add_people(1)
    bad = Unreadable("lat: less than equal", "tracker", world.organisation, b"x", b"[]", b"{}")
    await heard(world, bad, moved(world, who, PLACE))
    assert await live(world, who) == at(PLACE)
    assert await world.pool.fetchval("SELECT reason FROM parking") == "lat: less than equal"
    assert await world.pool.fetchval("SELECT reason FROM escalations") == "parked:volunteer.positions:tracker"


async def test_a_volunteer_near_by_is_asked_even_if_home_is_far(world: World) -> None:
    (who,) = await world.add_people(1, first_m=50_000)
    await heard(world, moved(world, who, near(PLACE, 200)))
    assert await world.asked(await world.ask()) == [who]
