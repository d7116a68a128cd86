"""The order of those who may be asked: by turn, by lot, in groups; each can be computed again from what is stored."""

from datetime import timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.clock import MovableClock
from dispatch.domain.matching.ranking import Draw, Place, Standing, rank, recomputed
from dispatch.domain.matching.selection import Gate
from dispatch.storage.standings import packed_ranking, unpacked_places
from schemas.ids import named
from schemas.plans import SearchPolicy
from tests.conftest import START
from tests.services.matching.test_gates import passed_over
from tests.services.matching.test_lists import asking, gates_of, world_of
from tests.support.world import World

PEOPLE = [named("volunteer", number) for number in range(12)]
DRAWS = st.builds(Draw, st.uuids(), st.uuids())
MOMENTS = st.none() | st.integers(0, 3).map(lambda days: START - timedelta(days=days))
STANDINGS = st.builds(
    Standing,
    st.sampled_from(["on_station", "on_call", "available"]),
    listed=st.just(value=True),
    barred=st.just(value=False),
    last_assigned_at=MOMENTS,
)
KNOWN = st.fixed_dictionaries(dict.fromkeys(PEOPLE, STANDINGS))
POLICIES = st.builds(
    SearchPolicy,
    radii_m=st.just((1000,)),
    choose=st.sampled_from(["turn", "lot"]),
    order=st.sampled_from([(), ("on_call",), ("on_station", "on_call")]),
)


async def places_of(world: World, name: UUID) -> tuple[Draw, list[Place]]:
    """Return the draw of the last round of an incident, and the places in it."""
    row = await world.pool.fetchrow(
        "SELECT id, ranked FROM rounds WHERE incident_id = $1 ORDER BY at DESC LIMIT 1", name
    )
    assert row is not None
    return Draw(name, row["id"]), unpacked_places(row["ranked"])


async def serve(world: World, source_id: str, who: UUID, *, end: str = "released") -> None:
    """Let somebody serve alone."""
    await world.pool.execute(
        "UPDATE memberships SET availability = 'unavailable' WHERE volunteer_id <> $1", who
    )
    name = await world.ask(source_id)
    await world.answer(name, who, "accepted", "on_scene" if end == "released" else "accepted", end)  # type: ignore[arg-type]
    await world.pool.execute("UPDATE memberships SET availability = 'available'")
    world.clock.advance(3600)


@given(POLICIES, DRAWS, KNOWN, st.randoms())
def test_an_order_is_the_same_whoever_computes_it_again(
    policy: SearchPolicy, draw: Draw, known: dict[UUID, Standing], chance: Random
) -> None:
    metres = dict.fromkeys(PEOPLE, 1.0)
    ranking = rank(policy, draw, metres, known)
    stored = unpacked_places(packed_ranking(ranking) or b"")
    assert stored == list(ranking.places)
    chance.shuffle(stored)
    assert recomputed(policy.choose, draw, stored) == list(ranking.places)


@given(POLICIES, DRAWS, KNOWN)
def test_an_earlier_group_and_a_longer_wait_come_first(
    policy: SearchPolicy, draw: Draw, known: dict[UUID, Standing]
) -> None:
    places = rank(policy, draw, dict.fromkeys(PEOPLE, 1.0), known).places
    assert {place.volunteer_id for place in places} == set(PEOPLE)
    for one, next_one in pairwise(places):
        assert one.group <= next_one.group
        if policy.choose == "turn" and one.group == next_one.group:
            waited, waits = one.last_assigned_at, next_one.last_assigned_at
            assert waited is None or (waits is not None and waited <= waits)


async def test_in_turn_whoever_has_waited_longest_is_asked(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking(1, choose="turn"))
    people = await world.add_people(3)
    await serve(world, "1", people[0])
    await serve(world, "2", people[2])
    incident = await world.ask("3")
    assert await world.asked(incident) == [people[1]]
    assert await gates_of(world, incident, people[0]) == Gate.WAITED_LESS
    _, places = await places_of(world, incident)
    assert [place.volunteer_id for place in places] == [people[1], people[0], people[2]]


async def test_a_turn_from_which_somebody_withdrew_is_still_theirs(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking(1, choose="turn"))
    people = await world.add_people(2)
    await serve(world, "1", people[0])
    await serve(world, "2", people[1], end="declined")
    assert await world.asked(await world.ask("3")) == [people[1]]


async def test_the_stored_turns_are_those_of_the_journal(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking(1, choose="turn"))
    people = await world.add_people(4)
    for number, who in enumerate((people[3], people[1], people[3])):
        await serve(world, str(number), who)
    _, places = await places_of(world, await world.ask("last"))
    rows = await pool.fetch(
        "SELECT convert_from(body, 'UTF8')::jsonb AS event FROM journal"
        " WHERE type = 'assignment.assigned.v1' ORDER BY id"
    )
    journal = {UUID(row["event"]["volunteer_id"]): row["event"]["at"] for row in rows}
    stored = {p.volunteer_id: p.last_assigned_at for p in places}
    assert {who: at and at.isoformat().replace("+00:00", "Z") for who, at in stored.items()} == {
        who: journal.get(who) for who in people
    }


async def test_by_lot_the_nearest_have_no_better_chance_and_the_draw_can_be_repeated(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking(3, choose="lot"))
    people = await world.add_people(80)
    incident = await world.ask()
    draw, places = await places_of(world, incident)
    assert len(places) == len(people)
    assert recomputed("lot", draw, sorted(places)) == places
    drawn = {place.volunteer_id for place in places[:3]}
    assert set(await world.asked(incident)) == drawn
    reasons = await passed_over(world, incident)
    assert {gates for _, gates in reasons.values()} == {Gate.NOT_DRAWN}
    assert reasons.keys() == set(people) - drawn


@pytest.mark.parametrize("choose", ["nearest", "turn", "lot"])
async def test_everybody_of_an_earlier_group_is_asked_before_anybody_of_a_later_one(
    pool: asyncpg.Pool, clock: MovableClock, choose: str
) -> None:
    world = await world_of(pool, clock, asking(3, choose=choose, order=("on_station", "on_call")))
    at_home = await world.add_people(70)
    on_call = await world.add_people(2, first_m=900, availability="on_call")
    (on_station,) = await world.add_people(1, first_m=950, availability="on_station")
    incident = await world.ask()
    assert set(await world.asked(incident)) == {on_station, *on_call}
    assert await gates_of(world, incident, at_home[0]) == Gate.LATER_GROUP


async def test_the_next_in_the_order_replaces_whoever_declines(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking(1, choose="turn"))
    people = await world.add_people(3)
    await serve(world, "1", people[0])
    await serve(world, "2", people[1])
    incident = await world.ask("3")
    after = await world.answer(incident, people[2], "declined")
    assert [offer.volunteer_id for offer in after.live_offers()] == [people[0]]


async def test_a_plan_of_the_nearest_stores_no_order(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking())
    await world.add_people(3)
    await world.ask()
    assert await pool.fetchval("SELECT count(ranked) FROM rounds") == 0


@given(POLICIES, DRAWS, KNOWN, st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 3)))
def test_everybody_of_a_station_comes_before_anybody_of_the_next(
    policy: SearchPolicy, draw: Draw, known: dict[UUID, Standing], stations: dict[UUID, int]
) -> None:
    places = rank(policy, draw, dict.fromkeys(PEOPLE, 1.0), known, stations).places
    ordered = [stations.get(place.volunteer_id, 0) for place in places]
    assert ordered == sorted(ordered)
