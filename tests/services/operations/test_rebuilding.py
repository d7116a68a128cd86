"""The projections can be compared with the journal at any time, and written anew from it."""

import random
import re
from datetime import timedelta

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.errors import RefusedError
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.incidents import escalations, execution
from dispatch.services.operations.rebuilding import compare, rebuild
from dispatch.storage.pool import transaction
from schemas.ids import new_id
from tests.services.incidents.test_concurrency import ANSWERS, PLAN
from tests.support.world import World

ACTS = ["hold", "resume", "takeover", "give-back", "abort", "close", "confirm", "escalate"]
TABLES = ["incidents", "seats", "offers", "assignments", "recalls", "escalations", "agenda"]


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [PLAN]).create()


async def live(world: World, seed: int) -> None:
    """Let a lot happen: reports, answers at random, acts, time."""
    dice = random.Random(seed)
    await world.add_people(30)
    for number in range(40):
        if number % 5 == 0:
            kind = dice.choice(["medical.fall", "medical.fall", "unknown"])
            known = {"requested": dice.random() < 0.8, "reference": "1"}
            await world.ask(str(number), kind=kind, professional=known)
        query, salt = "SELECT * FROM offers ORDER BY md5(id::text || $1)", str(dice.random())
        offer = await world.pool.fetchrow(query, salt)
        if offer is not None:
            where, who = offer["incident_id"], offer["volunteer_id"]
            await world.reply_to(where, offer["id"], who, dice.choice([*ANSWERS, "danger"]))
        await world.consume_all()
        if number % 4 == 3:
            await act(world, dice)
        await world.advance(dice.choice([0.3, 5, 21]))


async def act(world: World, dice: random.Random) -> None:
    name = dice.choice(await world.pool.fetch("SELECT id FROM incidents"))["id"]
    try:
        order = Act(dice.choice(ACTS), "Ada")  # type: ignore[arg-type]
        await execution.execute_command(world.uow, world.organisation, name, order)
    except RefusedError:
        return


async def hold_one_that_asks(world: World) -> None:
    """Open an incident that asks somebody, and hold it: somebody is recalled, whatever happened before."""
    await world.add_people(1, first_m=1)
    held = await world.ask("held")
    await execution.execute_command(world.uow, world.organisation, held, Act("hold", "Ada"))


async def stored(world: World, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for table in tables:
        rows = await world.pool.fetch(f"SELECT * FROM {table} ORDER BY {table}::text")
        found[table] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_anything_that_can_happen_the_projections_are_those_of_the_journal(
    world: World, seed: int
) -> None:
    await live(world, seed)
    await hold_one_that_asks(world)
    async with transaction(world.pool) as connection:
        cause = Cause("disk", 3, page=True)
        subject = escalations.system_subject(world.organisation)
        await escalations.escalate(connection, world.organisation, "system", subject, cause, world.now)
    counts = {table: len(rows) for table, rows in (await stored(world, *TABLES)).items()}
    assert all(counts.values()), counts
    assert await compare(world.uow) == []


async def test_a_rebuild_writes_the_same_rows_and_touches_nothing_else(world: World) -> None:
    await live(world, 3)
    before = await stored(
        world, *TABLES, "candidates", "rounds", "messages", "journal", "outbox", "reports", "plans"
    )
    assert before["rounds"]
    subjects = await world.pool.fetchval("SELECT count(DISTINCT subject_id) FROM escalations")
    assert await rebuild(world.uow) >= subjects
    assert await stored(world, *before) == before


@pytest.mark.parametrize(
    ("change", "table", "words"),
    [
        ("UPDATE incidents SET status = 'held'", "incidents", "status is held, and open in the journal"),
        ("UPDATE incidents SET kind = 'x'", "incidents", "kind is x, and medical.fall in the journal"),
        ("UPDATE seats SET role = 'x' WHERE number = 1", "seats", "role is x, and helper in the journal"),
        ("UPDATE offers SET lane = 'drill' WHERE distance_m = 100", "offers", "lane is drill, and urgent in"),
        ("UPDATE assignments SET seat = 2", "assignments", "seat is 2, and 1 in the journal"),
        ("DELETE FROM assignments", "assignments", "missing"),
        ("UPDATE escalations SET organisation = $1", "escalations", "organisation is"),
        ("DELETE FROM agenda WHERE kind = 'step'", "agenda", "missing"),
        ("INSERT INTO agenda VALUES ($2, 'x', 'system', $1, 0, now())", "agenda", "not in the journal"),
    ],
)
async def test_a_row_changed_by_hand_is_named_and_healed(
    world: World, change: str, table: str, words: str
) -> None:
    people = await world.add_people(4)
    await world.answer(await world.ask(), people[0], "accepted")
    await world.advance(60)
    before = await stored(world, *TABLES)
    stranger = new_id()
    await world.pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'X', $2)", stranger, world.now
    )
    await world.pool.execute(change, *[stranger, stranger][: change.count("$")])
    (found,) = await compare(world.uow)
    assert found.startswith(table), found
    assert words in found
    await rebuild(world.uow)
    assert await compare(world.uow) == []
    assert await stored(world, *TABLES) == before


async def test_a_candidate_row_that_differs_is_named_and_computed_anew(world: World) -> None:
    (who, _) = await world.add_people(2)
    await world.ask()
    before = await stored(world, "candidates")
    await world.pool.execute("UPDATE candidates SET consent = '{}', at = NULL WHERE volunteer_id = $1", who)
    assert await compare(world.uow) == [f"candidates {who} {world.organisation}: at, consent differ"]
    await rebuild(world.uow)
    assert await stored(world, "candidates") == before


async def test_an_incident_that_the_journal_does_not_know_is_named_and_dropped(world: World) -> None:
    name = await world.ask()
    ghost = new_id()
    (row,) = await world.pool.fetch("SELECT * FROM incidents")
    columns = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await world.pool.execute(f"INSERT INTO incidents VALUES ({columns})", ghost, *list(row)[1:])
    await world.pool.execute("UPDATE rounds SET incident_id = $1", ghost)
    assert await compare(world.uow) == [f"incidents {ghost}: not in the journal"]
    await rebuild(world.uow)
    rows = await world.pool.fetch("SELECT id FROM incidents")
    assert [row["id"] for row in rows] == [name]


async def test_rows_of_an_incident_that_does_not_exist_are_named_and_dropped(world: World) -> None:
    people = await world.add_people(4)
    await world.answer(await world.ask(), people[0], "accepted")
    before = await stored(world, *TABLES)
    lost = new_id()
    for change in ("seats SET", "offers SET id = gen_random_uuid(),"):
        await world.pool.execute(f"UPDATE {change} incident_id = $1", lost)
    found = {re.sub(" .*:", ":", line) for line in await compare(world.uow)}
    assert {f"{table}: not in the journal" for table in ("seats", "offers")} <= found
    await rebuild(world.uow)
    assert await compare(world.uow) == []
    assert await stored(world, *TABLES) == before


async def test_a_journal_that_makes_no_sense_is_said_and_rebuilds_nothing(world: World) -> None:
    people = await world.add_people(1)
    name = await world.ask()
    await world.answer(name, people[0], "accepted")
    before = await stored(world, *TABLES)
    await world.pool.execute("DELETE FROM journal WHERE type = 'offer.extended.v2'")
    found = await compare(world.uow)
    assert found[0].startswith(f"journal {name}: ")
    with pytest.raises(RefusedError):
        await rebuild(world.uow)
    assert await stored(world, *TABLES) == before


async def test_an_event_that_cannot_be_read_is_named_by_its_stream_and_hides_no_other_difference(
    world: World,
) -> None:
    await world.add_people(8)
    unreadable, changed = await world.ask("1"), await world.ask("2")
    await world.pool.execute("UPDATE journal SET body = 'xx' WHERE stream = $1 AND seq = 2", unreadable)
    await world.pool.execute("UPDATE incidents SET severity = 'routine' WHERE id = $1", changed)
    found = await compare(world.uow)
    assert any(line.startswith(f"journal {unreadable}: an event cannot be read") for line in found)
    assert any(str(changed) in line and "severity" in line for line in found)


async def test_everything_empty_compares_as_equal(world: World) -> None:
    assert await compare(world.uow) == []
    assert await rebuild(world.uow) == 0


async def test_compare_goes_through_more_subjects_than_fit_in_one_chunk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.services.operations.rebuilding.SUBJECTS_PER_CHUNK", 2)
    for number in range(5):
        await world.send(str(number))
    await world.consume_all()
    assert await rebuild(world.uow) == 5
    await world.pool.execute("UPDATE incidents SET last_at = last_at + $1::interval", timedelta(seconds=1))
    assert len(await compare(world.uow)) == 5
