"""Lists and pairs: nobody is asked whom a list shuts out, and nobody together with somebody whom they must not meet."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.matching.selection import Gate
from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.people import lists, opt_out
from dispatch.storage import candidates as store
from dispatch.storage import questions
from schemas.plans import Plan
from tests.domain.builders import PLACE, plan
from tests.services.matching.test_gates import passed_over
from tests.services.people.test_volunteers import blocked
from tests.support.world import TRUSTED, World, near


def asking(count: int = 2, *, ends_after_s: int | None = None, **search: object) -> Plan:
    return plan(
        ends_after_s=ends_after_s,
        trusted_sources=(TRUSTED,),
        seats=({"role": "helper", "skills": ("first_aid",), "count": count},),
        search={"radii_m": (1000,), **search},
        offers={"per_seat": 1, "window_s": 60},
    )


async def world_of(pool: asyncpg.Pool, clock: MovableClock, used: Plan) -> World:
    return await World(pool, clock, [used]).create()


async def members(world: World) -> dict[UUID, UUID]:
    rows = await world.pool.fetch(
        "SELECT volunteer_id, id FROM memberships WHERE organisation = $1", world.organisation
    )
    return {row["volunteer_id"]: row["id"] for row in rows}


async def put(world: World, name: str, *people: UUID) -> None:
    ids = await members(world)
    await lists.set_list(world.uow, world.organisation, name, ids=[str(ids.get(who, who)) for who in people])


async def gates_of(world: World, name: UUID, who: UUID) -> Gate:
    return Gate((await passed_over(world, name))[who][1])


async def test_only_the_people_on_the_list_are_asked(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking(only="parents"))
    people = await world.add_people(70)
    await put(world, "parents", people[69], people[3])
    incident = await world.ask()
    assert await world.asked(incident) == [people[3], people[69]]
    assert await gates_of(world, incident, people[0]) == Gate.LIST


async def test_people_on_the_list_are_found_however_many_others_are_nearer(
    pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "RANKED", 10)
    world = await world_of(pool, clock, asking(only="parents"))
    people = await world.add_people(40)
    (away,) = await world.add_people(1, first_m=1500)
    await put(world, "parents", people[3], people[20], people[30], away)
    await world.set_position(people[30], near(PLACE, 100), at=world.now)
    incident = await world.ask()
    assert sorted(await world.asked(incident)) == sorted([people[3], people[30]])
    await world.answer(incident, people[3], "declined")
    await world.consume("incident.events")
    assert people[20] in await world.asked(incident)
    assert await gates_of(world, incident, people[15]) == Gate.LIST


async def test_a_list_that_does_not_exist_approves_nobody(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking(only="parents"))
    await world.add_people(2)
    assert await world.asked(await world.ask()) == []


async def test_who_leaves_the_roster_while_a_list_is_set_is_named_as_a_stranger(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking())
    (who,) = await world.add_people(1)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM volunteers WHERE id = $1 FOR UPDATE", who)
        setting = asyncio.create_task(put(world, "parents", who))
        await blocked(world.uow)
        await connection.execute("DELETE FROM memberships WHERE volunteer_id = $1", who)
    with pytest.raises(InvalidError, match="not on the roster"):
        await setting


async def test_nobody_on_the_list_never_is_asked(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking(never="suspended"))
    people = await world.add_people(4)
    await put(world, "suspended", people[0], people[2])
    incident = await world.ask()
    assert await world.asked(incident) == [people[1], people[3]]
    assert await gates_of(world, incident, people[0]) == Gate.NEVER


async def test_a_list_that_changes_after_the_search_counts_at_the_claim(
    pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await world_of(pool, clock, asking(1, only="parents"))
    people = await world.add_people(2)
    await put(world, "parents", *people)
    claim = store.claim

    async def claim_after_a_change(*args: object) -> object:
        await put(world, "parents", people[1])
        return await claim(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("dispatch.services.matching.candidates.claim", claim_after_a_change)
    incident = await world.ask()
    assert await world.asked(incident) == [people[1]]
    assert await gates_of(world, incident, people[0]) == Gate.LIST


@pytest.mark.parametrize("only", [None, "parents"])
async def test_who_leaves_the_roster_during_a_search_is_not_asked(
    pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, only: str | None
) -> None:
    world = await world_of(pool, clock, asking(only=only))
    people = await world.add_people(2)
    await put(world, "parents", *people)

    async def explore_then_erase(*args: object) -> object:
        found = await store.explore(*args)  # type: ignore[arg-type]
        await pool.execute("DELETE FROM memberships WHERE volunteer_id = $1", people[0])
        return found

    monkeypatch.setattr("dispatch.services.matching.candidates.explore", explore_then_erase)
    assert await world.asked(await world.open()) == [people[1]]


async def test_two_who_must_not_meet_are_not_asked_together(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking())
    people = await world.add_people(3)
    await lists.keep_apart(world.uow, world.organisation, people[1], people[0])
    incident = await world.ask()
    assert await world.asked(incident) == [people[0], people[2]]
    assert await gates_of(world, incident, people[1]) == Gate.APART


async def test_nobody_is_asked_whose_partner_in_a_pair_is_assigned(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking())
    people = await world.add_people(2)
    incident = await world.ask()
    await world.answer(incident, people[0], "accepted")
    (late,) = await world.add_people(1, first_m=500)
    await lists.keep_apart(world.uow, world.organisation, people[0], late)
    await world.answer(incident, people[1], "declined")
    assert late not in {offer.volunteer_id for offer in (await world.read(incident)).offers.values()}
    await lists.let_meet(world.uow, world.organisation, late, people[0])
    await world.advance(61)
    assert await world.asked(incident) == [late]


async def test_a_yes_that_would_seat_two_who_must_not_meet_is_thanked_and_a_supervisor_is_told(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await world_of(pool, clock, asking())
    people = await world.add_people(2)
    incident = await world.ask()
    await lists.keep_apart(world.uow, world.organisation, *people)
    await world.answer(incident, people[0], "accepted")
    after = await world.answer(incident, people[1], "accepted")
    assert [a.volunteer_id for a in after.active()] == [people[0]]
    assert "apart" in {escalation.reason for escalation in after.open_escalations()}
    late = [offer.late for offer in after.offers.values() if offer.volunteer_id == people[1]]
    assert late == ["thanked"]


async def test_a_pair_counts_in_its_organisation_only(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking())
    people = await world.add_people(2)
    other = UUID(int=7)
    await pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'B', $2)", other, world.now
    )
    await pool.execute(
        "INSERT INTO memberships (organisation, volunteer_id, availability, language, joined_at)"
        " SELECT $1, volunteer_id, availability, language, joined_at FROM memberships",
        other,
    )
    await lists.keep_apart(world.uow, other, *people)
    assert await world.asked(await world.ask()) == people


async def test_who_is_erased_is_on_no_list_and_in_no_pair(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking())
    people = await world.add_people(2)
    await put(world, "parents", *people)
    await lists.keep_apart(world.uow, world.organisation, *people)
    await opt_out.erase(world.uow, world.organisation, people[0])
    (left,) = (await members(world)).values()
    assert await lists.read_list(world.uow, world.organisation, "parents") == [left]
    assert await lists.all_apart(world.uow, world.organisation) == []


async def test_a_list_takes_members_only(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await world_of(pool, clock, asking())
    (member,) = await world.add_people(1)
    with pytest.raises(InvalidError):
        await put(world, "parents", member, UUID(int=9))
    with pytest.raises(NotFoundError):
        await lists.read_list(world.uow, world.organisation, "parents")
