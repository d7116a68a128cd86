"""Each gate shuts alone, and the stored round says which; distances are those on the ground."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.matching.geo import distance_m
from dispatch.domain.matching.selection import ASKED_MOST, Gate, readable
from dispatch.storage.packed_reasons import reasons_of
from schemas.base import Position
from schemas.ids import named
from tests.domain.builders import PLACE, plan
from tests.support.world import PLAN, TRUSTED, World, near

ONE = plan(
    trusted_sources=(TRUSTED,),
    seats=({"role": "helper", "skills": ("first_aid",), "count": 1},),
    search={"radii_m": (1000,), "availability": ("on_call", "available"), "rest_s": 3600},
)
Shut = Callable[[World, UUID], Awaitable[object]]


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [ONE]).create()


async def passed_over(world: World, name: UUID) -> dict[UUID, tuple[int, int]]:
    """Read the last round of an incident: metres and gates of those who were not picked."""
    row = await world.pool.fetchrow(
        "SELECT passed, passed_over FROM rounds WHERE incident_id = $1 ORDER BY at DESC LIMIT 1", name
    )
    assert row is not None
    return {who: (metres, gates) for who, metres, gates in reasons_of(row)}


def change(statement: str) -> Shut:
    async def shut(world: World, who: UUID) -> None:
        await world.pool.execute(statement, who)

    return shut


async def rested_too_little(world: World, who: UUID) -> None:
    name = await world.ask("earlier")
    await world.answer(name, who, "accepted", "on_scene", "released")
    world.clock.advance(3599)


async def holds_an_offer(world: World, who: UUID) -> None:
    assert await world.asked(await world.ask("other")) == [who]


async def was_asked_often(world: World, who: UUID) -> None:
    for number in range(ASKED_MOST):
        name = await world.ask(f"earlier {number}", severity="life_threatening" if number % 2 else "routine")
        await world.answer(name, who, "declined")
    world.clock.advance(3599)


async def is_engaged(world: World, who: UUID) -> None:
    await world.answer(await world.ask("other"), who, "accepted")


async def only_an_old_position_is_known(world: World, who: UUID) -> None:
    await world.pool.execute("DELETE FROM member_positions WHERE volunteer_id = $1", who)
    await world.set_position(who, near(PLACE, 100), at=world.now - timedelta(seconds=3601))


GATES: list[tuple[Gate, str, Shut]] = [
    (Gate.SKILL, "skill", change("DELETE FROM skills WHERE volunteer_id = $1")),
    (
        Gate.SKILL,
        "skill",
        change("UPDATE skills SET expires_at = '2026-11-22T20:00:00Z' WHERE volunteer_id = $1"),
    ),
    (
        Gate.AVAILABILITY,
        "availability",
        change("UPDATE memberships SET availability = 'unavailable' WHERE volunteer_id = $1"),
    ),
    (
        Gate.AVAILABILITY,
        "availability",
        change("UPDATE memberships SET availability = 'at_work' WHERE volunteer_id = $1"),
    ),
    (Gate.CONSENT, "not eligible", change("UPDATE memberships SET consent = '{}' WHERE volunteer_id = $1")),
    (
        Gate.CONSENT,
        "not eligible",
        change("UPDATE memberships SET consent = '{drills}' WHERE volunteer_id = $1"),
    ),
    (
        Gate.AGE,
        "not eligible",
        change("UPDATE memberships SET birth_date = '2008-11-23' WHERE volunteer_id = $1"),
    ),
    (Gate.AGE, "not eligible", change("UPDATE memberships SET birth_date = NULL WHERE volunteer_id = $1")),
    (Gate.REST, "rest", rested_too_little),
    (Gate.POSITION, "position", only_an_old_position_is_known),
    (Gate.OFFER, "offer", holds_an_offer),
    (Gate.ENGAGED, "engaged", is_engaged),
    (Gate.OFTEN, "often", was_asked_often),
    (
        Gate.LEFT,
        "not eligible",
        change("UPDATE memberships SET stopped_at = '2026-11-22Z' WHERE volunteer_id = $1"),
    ),
    (
        Gate.LEFT,
        "not eligible",
        change("UPDATE memberships SET left_at = '2026-11-22Z' WHERE volunteer_id = $1"),
    ),
]


@pytest.mark.parametrize(("gate", "word", "shut"), GATES)
async def test_a_gate_shuts_alone_and_the_round_says_which(
    world: World, gate: Gate, word: str, shut: Shut
) -> None:
    (who,) = await world.add_people(1)
    await shut(world, who)
    name = await world.ask("1")
    assert await world.asked(name) == []
    assert await passed_over(world, name) == {who: (100, gate)}
    assert readable(gate) == [word]


async def test_beyond_unsuitable_nearest_volunteers_the_next_suitable_ones_are_asked(world: World) -> None:
    await world.add_people(70, skills=())
    fit = await world.add_people(3, first_m=850)
    assert await world.asked(await world.ask()) == fit[:2]


async def test_of_many_volunteers_at_one_place_the_suitable_ones_are_asked(world: World) -> None:
    await world.add_people(70, step_m=0, skills=())
    fit = await world.add_people(2, step_m=0)
    await world.add_people(10, step_m=0, skills=())
    name = await world.ask()
    assert sorted(await world.asked(name)) == sorted(fit)
    assert set((await passed_over(world, name)).values()) == {(100, Gate.SKILL)}


async def test_a_volunteer_who_passes_every_gate_is_asked(world: World) -> None:
    (who,) = await world.add_people(1)
    assert await world.asked(await world.ask()) == [who]


async def test_a_volunteer_is_asked_only_once_for_the_same_incident(world: World) -> None:
    (who,) = await world.add_people(1)
    name = await world.ask()
    await world.answer(name, who, "declined")
    assert await world.asked(name) == []
    assert await passed_over(world, name) == {who: (100, Gate.ASKED)}


async def test_only_volunteers_who_opted_into_drills_are_asked_in_an_exercise(world: World) -> None:
    (unwilling,) = await world.add_people(1)
    (willing,) = await world.add_people(1, first_m=200, consent=("sms", "drills"))
    name = await world.ask(mode="exercise")
    assert await world.asked(name) == [willing]
    assert (await passed_over(world, name))[unwilling] == (100, Gate.DRILL)


async def test_a_draft_asks_nobody(world: World) -> None:
    await world.add_people(1, consent=("sms", "drills"))
    assert await world.asked(await world.ask(mode="draft")) == []


async def test_a_drill_or_a_notice_never_stands_in_the_way_of_an_urgent_offer(world: World) -> None:
    (who,) = await world.add_people(1, consent=("sms", "drills"))
    assert await world.asked(await world.ask("1", mode="exercise")) == [who]
    assert await world.asked(await world.ask("2")) == [who]


async def test_a_volunteer_who_was_asked_often_is_asked_for_a_life_and_again_after_an_hour(
    world: World,
) -> None:
    (who,) = await world.add_people(1)
    await was_asked_often(world, who)
    name = await world.ask("severe", severity="life_threatening")
    assert await world.asked(name) == [who]
    await world.answer(name, who, "declined")
    world.clock.advance(1)
    assert await world.asked(await world.ask("lesser")) == [who]


async def test_rest_is_over_after_its_time(world: World) -> None:
    (who,) = await world.add_people(1)
    await rested_too_little(world, who)
    world.clock.advance(1)
    assert await world.asked(await world.ask("1")) == [who]


@pytest.mark.parametrize(
    ("today", "born", "years", "asked"),
    [
        ("2026-11-22", "2008-11-22", 18, True),
        ("2026-11-22", "2008-11-23", 18, False),
        ("2028-02-29", "2008-02-29", 20, True),
        ("2028-02-29", "2010-02-28", 18, True),
        ("2028-02-29", "2010-03-01", 18, False),
        ("2027-02-28", "2008-02-29", 19, False),
        ("2027-03-01", "2008-02-29", 19, True),
    ],
)
async def test_somebody_is_of_age_from_their_birthday_on(
    pool: asyncpg.Pool, today: str, born: str, years: int, *, asked: bool
) -> None:
    clock = MovableClock(datetime.fromisoformat(today).replace(hour=12, tzinfo=UTC))
    of_age = plan(trusted_sources=(TRUSTED,), search={"radii_m": (1000,), "min_age": years})
    world = await World(pool, clock, [of_age]).create()
    (who,) = await world.add_people(1, born=date.fromisoformat(born))
    assert await world.asked(await world.ask()) == ([who] if asked else [])


@pytest.mark.parametrize("place", [PLACE, Position(lat=0, lon=10), Position(lat=-21.1, lon=55.5)])
async def test_a_kilometre_is_a_kilometre_at_any_latitude(world: World, place: Position) -> None:
    (north,) = await world.add_people(1, around=place, first_m=990)
    await world.add_people(1, around=place, first_m=1010)
    (east,) = await world.add_people(1, around=place)
    await world.pool.execute("DELETE FROM member_positions WHERE volunteer_id = $1", east)
    await world.set_position(east, near(place, east_m=985), "home")
    name = await world.ask(position=place)
    told = {offer.volunteer_id: offer.distance_m for offer in (await world.read(name)).offers.values()}
    assert told == {
        north: round(distance_m(place, near(place, 990))),
        east: round(distance_m(place, near(place, east_m=985))),
    }


async def test_a_fresh_position_counts_before_home(world: World) -> None:
    (away, here) = await world.add_people(2)
    await world.set_position(away, near(PLACE, 5000))
    await world.pool.execute("UPDATE member_positions SET at = point(0, 0) WHERE volunteer_id = $1", here)
    await world.set_position(here, near(PLACE, 300))
    name = await world.ask()
    assert await world.asked(name) == [here]
    assert away not in await passed_over(world, name)


async def test_an_old_position_is_replaced_by_the_home(world: World) -> None:
    (who,) = await world.add_people(1)
    await world.set_position(who, near(PLACE, 5000), at=world.now - timedelta(hours=2))
    assert await world.asked(await world.ask()) == [who]


async def test_a_volunteer_at_work_is_searched_at_the_work_place(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock, [PLAN]).create()
    (at_work,) = await world.add_people(1, availability="at_work")
    (at_home,) = await world.add_people(1, first_m=50)
    await world.set_position(at_work, near(PLACE, 400), "work")
    await world.set_position(at_home, near(PLACE, 10), "work")
    incident = await world.read(await world.ask())
    assert {o.volunteer_id: o.distance_m for o in incident.offers.values()} == {
        at_home: pytest.approx(50, abs=1),
        at_work: pytest.approx(400, abs=1),
    }


async def test_a_member_of_another_organisation_is_no_candidate(world: World) -> None:
    await world.add_people(1)
    other = named("organisation", "SDIS 68")
    await world.pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'SDIS 68', now())", other
    )
    await world.pool.execute(
        "ALTER TABLE skills DROP CONSTRAINT skills_volunteer_id_organisation_fkey,"
        " ADD FOREIGN KEY (volunteer_id, organisation) REFERENCES memberships ON UPDATE CASCADE"
    )
    await world.pool.execute("UPDATE memberships SET organisation = $1", other)
    assert await world.asked(await world.ask()) == []
