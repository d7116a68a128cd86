"""A report gets its offers in the transaction that opens its incident; where asking fails, it is open nevertheless."""

import asyncio
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.services.access import organisations
from dispatch.services.incidents import asking
from dispatch.services.intake import opening
from dispatch.services.matching import candidates
from dispatch.storage import incidents as store
from dispatch.storage.candidates import explore
from dispatch.storage.pool import ConnectionLostError, transaction
from tests.domain.builders import plan
from tests.support.world import TRUSTED, World

PLAN = plan(kinds=("medical.*",), trusted_sources=(TRUSTED,), search={"radii_m": (1000,), "retry_s": 30})


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock, [PLAN]).create()


async def count(world: World, table: str) -> int:
    found: int = await world.pool.fetchval(f"SELECT count(*) FROM {table}")
    return found


def failing_search_for(*bad: str) -> Any:  # noqa: ANN401 - a patch
    """Make each search fail that includes an incident of one of these kinds."""

    async def fail(connection: asyncpg.Connection, incidents: Iterable[Incident], *more: Any) -> Any:  # noqa: ANN401
        if any(incident.kind in bad for incident in incidents):
            raise ZeroDivisionError
        return await explore(connection, incidents, *more)

    return patch.object(candidates, "explore", fail)


async def test_a_report_gets_its_offers_in_the_transaction_that_opens_its_incident(world: World) -> None:
    people = await world.add_people(4)
    name = await world.open()
    assert await world.asked(name) == people
    rows = await world.pool.fetch("SELECT xid::text, type FROM journal WHERE stream = $1 ORDER BY seq", name)
    assert len({row["xid"] for row in rows}) == 1
    assert [row["type"].split(".")[1] for row in rows] == ["opened", *["extended"] * 4]
    assert await count(world, "rounds") == 1


async def test_the_agenda_asks_for_an_incident_whose_first_asking_failed(world: World) -> None:
    people = await world.add_people(4)
    name = await world.open_unasked()
    assert (await world.read(name)).seq == 1
    assert await count(world, "parking") == 0
    await world.advance(2)
    assert await world.asked(name) == people


async def test_the_consumer_asks_for_an_incident_that_was_opened_without_offers(world: World) -> None:
    people = await world.add_people(4)
    name = await world.open_unasked()
    await world.consume("incident.events")
    assert await world.asked(name) == people


async def test_offers_that_cannot_be_written_leave_nothing_behind(world: World) -> None:
    await world.add_people(4)
    with patch.object(candidates, "write", side_effect=ZeroDivisionError):
        name = await world.open()
    assert (await world.read(name)).seq == 1
    assert [await count(world, table) for table in ("offers", "rounds", "parking")] == [0, 0, 0]


async def test_a_report_whose_asking_fails_parks_neither_itself_nor_the_others_of_its_batch(
    world: World,
) -> None:
    await world.add_people(8)
    reports = [await world.send(kind, kind=kind) for kind in ("medical.fall", "medical.bad", "medical.burn")]
    with failing_search_for("medical.bad"):
        await world.consume("incident.reports")
        good, bad, other = [await world.incident_of(report) for report in reports]
        assert await count(world, "parking") == 0
        await world.consume("incident.events")
        assert [len(await world.asked(name)) for name in (good, bad, other)] == [4, 0, 4]
        await world.advance(2)
    reasons = await world.pool.fetch("SELECT reason FROM escalations WHERE subject_kind = 'system'")
    assert f"stuck:{bad}" in {row["reason"] for row in reasons}


async def test_a_transaction_that_is_lost_after_asking_is_repeated_whole(world: World) -> None:
    people = await world.add_people(4)
    report = await world.send("1")
    with (
        patch.object(opening, "execute_rows", side_effect=ConnectionLostError("lost on purpose")),
        pytest.raises(ConnectionLostError),
    ):
        await world.consume("incident.reports")
    assert [await count(world, table) for table in ("incidents", "offers", "rounds")] == [0, 0, 0]
    await world.consume("incident.reports")
    assert await world.asked(await world.incident_of(report)) == people


async def test_a_lost_race_for_a_volunteer_leaves_the_asking_to_the_consumer(world: World) -> None:
    people = await world.add_people(4)
    lost = asyncpg.UniqueViolationError("duplicate key value")
    with patch.object(candidates, "claim", side_effect=lost):
        name = await world.open()
    assert await world.asked(name) == []
    await world.consume("incident.events")
    assert await world.asked(name) == people


async def test_the_consumer_waits_for_no_lock_on_an_incident_that_was_asked_for(world: World) -> None:
    await world.add_people(4)
    name = await world.open()
    async with transaction(world.pool) as connection:
        await store.lock(connection, [name])
        await asyncio.wait_for(world.consume("incident.events"), 2)
    assert await count(world, "rounds") == 1


async def test_an_incident_with_too_few_is_searched_for_when_that_is_due_not_when_its_opening_is_read(
    world: World,
) -> None:
    name = await world.open()
    people = await world.add_people(4)
    await world.consume("incident.events")
    assert await world.asked(name) == []
    await world.advance(30)
    assert await world.asked(name) == people


async def test_an_update_in_time_extends_the_offers_that_it_makes_possible(world: World) -> None:
    people = await world.add_people(4)
    name = await world.open("1", position=None)
    await world.consume("incident.events")
    assert await world.open("2", updates="1") == name
    assert await world.asked(name) == people


async def test_an_incident_opened_during_a_pause_is_asked_for_after_it(world: World) -> None:
    people = await world.add_people(4)
    await organisations.pause(world.uow, world.organisation, "Ada")
    name = await world.open()
    await world.consume("incident.events")
    await world.advance(3)
    assert await world.asked(name) == []
    await organisations.resume(world.uow, world.organisation, "Ada")
    await world.advance(0)
    assert await world.asked(name) == people


async def test_a_batch_asks_for_the_life_threatening_and_leaves_the_least_severe_beyond_its_share(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SHARE", 3)
    await world.add_people(40)
    severities = ["routine", "urgent", "life_threatening", "urgent", "routine", "life_threatening"]
    reports = [await world.send(str(n), severity=severity) for n, severity in enumerate(severities)]
    await world.consume("incident.reports")
    names = [await world.incident_of(report) for report in reports]
    assert [len(await world.asked(name)) for name in names] == [0, 4, 4, 0, 0, 4]
    await world.consume("incident.events")
    assert [len(await world.asked(name)) for name in names] == [4] * 6


async def test_a_batch_asks_for_all_that_are_life_threatening(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SHARE", 1)
    await world.add_people(12)
    for number in range(3):
        await world.send(str(number), severity="life_threatening")
    await world.consume("incident.reports")
    assert await count(world, "offers") == 12


async def test_reports_opened_at_once_never_ask_anybody_twice(world: World) -> None:
    await world.add_people(40)
    for number in range(8):
        await world.send(str(number))
    rows = await world.pool.fetch("SELECT * FROM journal WHERE topic = 'incident.reports' ORDER BY id")
    records = [world.record_of(row) for row in rows]
    await asyncio.gather(*(world.deliver("incident.reports", [record]) for record in records))
    for _ in range(10):
        await world.advance(1)
    live = await world.pool.fetch(
        "SELECT incident_id, count(*) AS n FROM offers WHERE status = 'extended' GROUP BY 1"
    )
    assert [row["n"] for row in live] == [4] * 8
    assert await count(world, "parking") == 0
