"""Of a crowd, everybody nearer than the farthest pick has a reason; those beyond are counted by their gates."""

import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.matching.selection import Gate, combined, readable
from dispatch.services.console.history import timeline
from dispatch.storage import reasons
from dispatch.storage.packed_reasons import REASON
from tests.domain.builders import PLACE, plan
from tests.services.matching.oracle import Sources
from tests.services.matching.rounds import last_round
from tests.support.world import TRUSTED, World, near

CROWDED = plan(
    trusted_sources=(TRUSTED,),
    seats=({"role": "helper", "skills": ("first_aid",), "count": 1},),
    offers={"open": 2, "per_seat": 2},
    search={"radii_m": (1000,), "availability": ("available",), "rest_s": 3600},
)
TWO_ROLES = plan(
    trusted_sources=(TRUSTED,),
    seats=(
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 1},
    ),
    offers={"open": 2, "per_seat": 1},
    search={"radii_m": (1000,), "availability": ("available",), "min_age": 18},
)
SHUT = {
    "skill": "DELETE FROM skills WHERE volunteer_id = ANY ($1)",
    "availability": "UPDATE memberships SET availability = 'unavailable' WHERE volunteer_id = ANY ($1)",
    "not eligible": "UPDATE memberships SET stopped_at = joined_at WHERE volunteer_id = ANY ($1)",
    "consent": "UPDATE memberships SET consent = '{}' WHERE volunteer_id = ANY ($1)",
}


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [CROWDED]).create()


async def shut(world: World, people: list[UUID]) -> dict[UUID, str]:
    """Shut each person out by one gate or another; return the words for them."""
    words: dict[UUID, str] = {}
    for number, (word, statement) in enumerate(SHUT.items()):
        some = people[number :: len(SHUT)]
        await world.pool.execute(statement, some)
        words |= dict.fromkeys(some, "not eligible" if word == "consent" else word)
    return words


async def test_all_of_five_hundred_nearer_people_have_their_reason_and_the_picked_are_not_among_them(
    world: World,
) -> None:
    nearer = await world.add_people(500, step_m=1)
    words = await shut(world, nearer)
    fit = await world.add_people(2, first_m=700)
    beyond = await world.add_people(100, first_m=750, step_m=1)
    farther = await shut(world, beyond[:80])
    await world.add_people(30, first_m=1100)
    name = await world.ask()
    assert await world.asked(name) == fit
    found = await last_round(world, name)
    listed = {who: why for who, (_, why) in found.passed_over.items()}
    # Others who pass are found with the picks, and listed: they were farther.
    assert {who: listed.pop(who) for who in nearer} == {who: [word] for who, word in words.items()}
    assert set(map(tuple, listed.values())) == {("farther",)}
    assert listed.keys() <= set(beyond[80:])
    expected = Counter(farther.values()) + Counter(farther=20 - len(listed))
    assert (found.beyond, found.people_beyond, found.complete) == (expected, 100 - len(listed), True)
    assert found.picked == fit
    metres = [distance for distance, _ in found.passed_over.values()]
    assert metres == sorted(metres)


async def test_where_nobody_passes_everybody_within_the_radius_is_listed_or_counted(world: World) -> None:
    people = await world.add_people(300, step_m=2)
    words = await shut(world, people)
    name = await world.ask()
    found = await last_round(world, name)
    assert found.picked == []
    assert found.passed_over.keys() == set(people[:60])
    assert found.beyond == Counter(words[who] for who in people[60:])
    shortfall = [
        m for m in (await timeline(world.uow, world.organisation, name)).moments if "shut" in m.detail
    ][-1]
    assert shortfall.detail["shut"] == Counter(words.values())


async def test_many_at_one_place_are_listed_or_counted_once(world: World) -> None:
    people = await world.add_people(200, step_m=0)
    words = await shut(world, people)
    found = await last_round(world, await world.ask())
    assert len(found.passed_over) + found.people_beyond == 200
    seen = Counter(why for _, (why,) in found.passed_over.values()) + Counter(found.beyond)
    assert seen == Counter(words.values())


async def test_in_an_ordinary_round_everybody_is_listed_and_nothing_more_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(reasons, "_count_beyond", fails)
    people = await world.add_people(59)
    name = await world.ask()
    found = await last_round(world, name)
    assert (found.picked, set(found.passed_over)) == (people[:2], set(people[2:]))
    assert (found.people_beyond, found.complete) == (0, True)


async def test_tracked_people_are_listed_and_counted_where_they_are(world: World) -> None:
    at_home = await world.add_people(150, step_m=1, skills=())
    moving = await world.add_people(150, first_m=5000, skills=())
    for number, who in enumerate(moving):
        await world.set_position(who, near(PLACE, 100 + number), at=world.now - timedelta(minutes=1))
    fit = await world.add_people(1, first_m=200)
    beyond = await world.add_people(70, first_m=400, step_m=1, skills=())
    found = await last_round(world, await world.ask())
    nearer = {*at_home[:100], *moving[:100]}
    assert found.picked == fit
    assert nearer <= found.passed_over.keys() <= {*nearer, *at_home, *moving}
    assert len(found.passed_over) + found.people_beyond == 300 + len(beyond)


async def test_a_crowd_of_random_people_is_complete_for_two_roles(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    dice = random.Random(7)
    world = await World(pool, clock, [TWO_ROLES]).create()
    people = await world.add_people(400, step_m=1.5, skills=())
    for skill, share in (("driver", 0.02), ("first_aid", 0.05)):
        some = [who for who in people if dice.random() < share]
        await pool.execute(
            "INSERT INTO skills SELECT $1, unnest($2::uuid[]), $3", world.organisation, some, skill
        )
    for statement in list(SHUT.values())[1:]:
        await pool.execute(statement, [who for who in people if dice.random() < 0.3])
    await pool.execute(
        "UPDATE memberships SET birth_date = '2015-01-01' WHERE volunteer_id = ANY ($1)",
        [who for who in people if dice.random() < 0.2],
    )
    before = await Sources.read(pool)
    name = await world.ask()
    incident = await world.read(name)
    shut_out = {role: before.around(incident, role, world.now) for role in ("driver", "helper")}
    words = {
        one[1]: readable(combined([one[2], other[2]]) or Gate.FARTHER)
        for one, other in zip(*shut_out.values(), strict=True)
    }
    found = await last_round(world, name)
    assert found.picked
    for who, (_, why) in found.passed_over.items():
        assert why == words.pop(who)
    for who in found.picked:
        del words[who]
    assert found.people_beyond == len(words)
    assert found.beyond == Counter(word for why in words.values() for word in why)


def test_somebody_too_young_for_one_role_and_unskilled_for_the_other_is_not_merely_farther() -> None:
    assert combined([Gate.AGE, Gate.SKILL]) == Gate.AGE | Gate.SKILL
    assert combined([Gate.AGE | Gate.OFFER, Gate.SKILL | Gate.OFFER]) == Gate.OFFER
    assert combined([Gate.SKILL, 0]) == 0


async def test_a_large_batch_counts_fewer_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "COUNTED_MOST", 50)
    monkeypatch.setattr(reasons, "COUNTED_LEAST", 50)
    await world.add_people(300, step_m=1, skills=())
    found = await last_round(world, await world.ask())
    # Of the fifty that were read, one at the edge is listed.
    assert (found.people_beyond, found.beyond, found.complete) == (49, {"skill": 49}, False)


async def test_a_batch_that_is_too_large_counts_nobody_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons, "COUNTED_MOST", 299)
    await world.add_people(300, step_m=1, skills=())
    found = await last_round(world, await world.ask())
    assert (len(found.passed_over), found.people_beyond, found.complete) == (60, 0, False)


async def test_a_reason_takes_twenty_four_bytes(world: World) -> None:
    await world.add_people(500, step_m=1, skills=())
    await world.add_people(2, first_m=700)
    await world.ask()
    assert await world.pool.fetchval("SELECT length(passed) FROM rounds") == 500 * REASON.size == 12_000
