"""The candidate rows repeat their sources exactly, and the search finds with them what the sources say."""

from collections import Counter
from datetime import timedelta
from functools import reduce
from operator import or_
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Found, Gate
from dispatch.services.operations.candidate_rows import differing
from dispatch.storage.candidates import search
from dispatch.storage.packed_reasons import reasons_of
from dispatch.storage.questions import NEAREST
from schemas.ids import named
from tests.conftest import START
from tests.domain.builders import incident, plan
from tests.services.matching.oracle import Sources
from tests.services.matching.town import ASKING, ORGANISATIONS, Town
from tests.support.world import World

UNDER = plan(
    seats=(
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 2},
    ),
    search={
        "radii_m": (1000,), "rest_s": 3600, "position_max_age_s": 600,
        "availability": ("on_call", "available", "at_work"),
    },
)  # fmt: skip
WANTED = Counter({"driver": 1, "helper": 2})
SEARCHED_BY_ROLES = Gate(sum(gate for gate in Gate if gate < Gate.FARTHER))


def incidents() -> list[Incident]:
    """Return incidents of both organisations, in every lane, for people of different ages."""
    first = replace(incident(UNDER, organisation=ORGANISATIONS[0]), id=ASKING, severity="urgent")
    seats = tuple(replace(seat, min_age=26 if seat.role == "driver" else None) for seat in first.seats)
    return [
        first,
        replace(first, id=named("2"), severity="life_threatening", seats=seats),
        replace(first, id=named("3"), lane="planned"),
        replace(first, id=named("4"), lane="drill", mode="exercise"),
        replace(first, id=named("5"), organisation=ORGANISATIONS[1]),
    ]


async def found_around(pool: asyncpg.Pool, asking: list[Incident]) -> dict[UUID, dict[str, list[Found]]]:
    async with pool.acquire() as connection:
        return await search(connection, asking, {one.id: WANTED for one in asking}, START)  # type: ignore[arg-type]


async def differences(pool: asyncpg.Pool) -> list[str]:
    people = [row["id"] for row in await pool.fetch("SELECT id FROM volunteers")]
    return list(map(str, await differing(pool, people)))  # type: ignore[arg-type]


def agrees(found: list[Found], expected: list[tuple[float, UUID, int]]) -> set[int]:
    """Compare what was found for a role with what the sources say; return the gates that were compared."""
    nearest, farther = expected[:NEAREST], [one for one in expected[NEAREST:] if one[2] == 0]
    wanted = nearest + farther[: max(0, len(found) - len(nearest))]
    assert [(one.volunteer_id, one.gates) for one in found] == [(who, gates) for _, who, gates in wanted]
    assert [one.metres for one in found] == pytest.approx([metres for metres, _, _ in wanted], abs=0.1)
    return {one.gates for one in found}


@pytest.mark.parametrize("seed", range(3))
async def test_the_rows_repeat_their_sources_after_any_change(pool: asyncpg.Pool, seed: int) -> None:
    town = Town(pool, seed)
    await town.settle(25)
    assert await differences(pool) == []
    before = await pool.fetch("SELECT * FROM candidates ORDER BY volunteer_id, organisation")
    await pool.execute("SELECT refresh_candidates(array_agg(id)) FROM volunteers")
    assert before == await pool.fetch("SELECT * FROM candidates ORDER BY volunteer_id, organisation")


async def test_the_search_finds_what_the_sources_say(pool: asyncpg.Pool) -> None:
    town, compared = Town(pool, 8), set()
    await town.settle(180)
    sources, found = await Sources.read(pool), await found_around(pool, incidents())
    for one in incidents():
        for role in WANTED:
            compared |= agrees(found[one.id][role], sources.around(one, role, START))
    assert reduce(or_, compared) == SEARCHED_BY_ROLES, "a gate that nobody here has shut"
    assert any(len(one) > NEAREST for roles in found.values() for one in roles.values())


ENROL_ELSEWHERE = """
    INSERT INTO memberships SELECT id, $1, 'unavailable', 'fr', '{}', created_at FROM organisations
    ON CONFLICT DO NOTHING
"""
CHANGES = {
    "erased": ("DELETE FROM memberships WHERE volunteer_id = $1", None),
    "stopped": ("UPDATE memberships SET stopped_at = joined_at WHERE volunteer_id = $1", Gate.LEFT),
    "suspended": ("UPDATE candidates SET suspended_at = '2026-01-01Z' WHERE volunteer_id = $1", Gate.LEFT),
    "away": ("UPDATE candidates SET away_until = '2026-12-01Z' WHERE volunteer_id = $1", Gate.AVAILABILITY),
    "back": ("UPDATE candidates SET away_until = '2026-11-01Z' WHERE volunteer_id = $1", 0),
    "moved away": ("UPDATE member_positions SET at = point(0, 0) WHERE volunteer_id = $1", None),
    "enrolled elsewhere": (ENROL_ELSEWHERE, 0),
}


@pytest.fixture
async def somebody(pool: asyncpg.Pool) -> UUID:
    """Enrol one person near by who may be asked as driver and helper."""
    town, who = Town(pool, 1), named("volunteer")
    await town.settle(0)
    await pool.execute("INSERT INTO volunteers VALUES ($1, NULL, $2)", who, START)
    await pool.execute(
        "INSERT INTO memberships VALUES ($1, $2, 'available', 'fr', '{sms}', $3, NULL, 'Ada', '1990-01-31')",
        ORGANISATIONS[0],
        who,
        START,
    )
    await pool.execute(
        "INSERT INTO skills SELECT $1, $2, unnest('{driver,first_aid}'::text[])", ORGANISATIONS[0], who
    )
    await town.move(who, "home")
    return who


@pytest.mark.parametrize("change", CHANGES)
async def test_the_next_search_sees_what_changed(pool: asyncpg.Pool, somebody: UUID, change: str) -> None:
    statement, gates = CHANGES[change]
    await pool.execute(statement, somebody)
    one = incidents()[0]
    found = (await found_around(pool, [one]))[one.id]["driver"]
    assert [(who, seen) for who, _, seen, _ in found] == ([] if gates is None else [(somebody, gates)])
    assert await differences(pool) == []


async def test_a_skill_that_expires_between_two_searches_leaves_the_others(
    pool: asyncpg.Pool, somebody: UUID
) -> None:
    end, one = START + timedelta(microseconds=1), incidents()[0]
    await pool.execute("UPDATE skills SET expires_at = $1 WHERE skill = 'driver'", end)
    async with pool.acquire() as connection:
        for moment, driver in ((START, 0), (end, Gate.SKILL)):
            found = (await search(connection, [one], {one.id: WANTED}, moment))[one.id]  # type: ignore[arg-type]
            assert found["driver"][0].gates == driver
            assert found["helper"][0] == Found(somebody, found["driver"][0].metres, 0)


async def test_many_skills_are_held_at_once(pool: asyncpg.Pool, somebody: UUID) -> None:
    await pool.execute(
        "INSERT INTO skills SELECT $1, $2, 'skill_' || n FROM generate_series(1, 40) AS n",
        ORGANISATIONS[0],
        somebody,
    )
    await pool.execute("UPDATE skills SET expires_at = 'infinity' WHERE skill = 'skill_7'")
    (stored,) = [row["skills"] for row in await pool.fetch("SELECT skills FROM candidates")]
    assert len(stored.split(",")) == 42
    assert "@" not in stored


async def test_a_row_that_hides_a_live_offer_leads_to_no_second_one(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    people = await world.add_people(1)
    assert await world.asked(await world.ask("1")) == people
    await pool.execute("UPDATE candidates SET urgent_offer = NULL")
    other = await world.ask("2")
    assert await world.asked(other) == []
    (row,) = await pool.fetch("SELECT passed, passed_over FROM rounds WHERE incident_id = $1", other)
    assert reasons_of(row) == [(people[0], 100, Gate.OFFER)]


async def test_a_late_answer_leaves_the_live_offer_of_another_incident(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    (who,) = await world.add_people(1)
    earlier = await world.ask("1")
    await world.advance(61)
    later = await world.ask("2")
    assert (await world.asked(earlier), await world.asked(later)) == ([], [who])
    await world.answer(earlier, who, "declined")
    live = [offer.id for offer in (await world.read(later)).offers.values()]
    assert await pool.fetchval("SELECT urgent_offer FROM candidates") == live[0]
