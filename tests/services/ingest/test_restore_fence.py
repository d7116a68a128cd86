"""Events that a restored database lost are not confused with new ones, and delay no other event."""

from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.ingest import provenance
from dispatch.services.ingest.provenance import UNPROVEN
from dispatch.services.ingest.restore_fence import LOST
from schemas.decoding import LARGEST_BODY, Received, Unreadable
from tests.domain.builders import CALLED
from tests.support.world import World


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def on_topic(world: World, topic: str, since: int = 0) -> list[Received | Unreadable]:
    """Return the records of a topic after a place in the journal."""
    rows = await world.pool.fetch(
        "SELECT * FROM journal WHERE topic = $1 AND id > $2 ORDER BY id", topic, since
    )
    return [world.record_of(row) for row in rows]


async def bring_back(world: World) -> None:
    """Forget all that was written in the last minutes, as a restore does, and let time go on."""
    await world.pool.execute("DELETE FROM outbox")
    await world.pool.execute("DELETE FROM journal WHERE recorded_at > $1", world.now)
    for table in ("reports", "inbox"):
        await world.pool.execute(f"DELETE FROM {table} WHERE received_at > $1", world.now)
    await world.pool.execute("UPDATE epochs SET home = 'elsewhere'")
    world.clock.advance(600)


async def reasons(world: World) -> list[tuple[str, str]]:
    rows = await world.pool.fetch("SELECT consumer, reason FROM parking ORDER BY parked_at")
    return [tuple(row) for row in rows]


async def lose_a_report_by_restore(world: World) -> list[Received | Unreadable]:
    """Open an incident, then restore the database to five minutes ago; return the lost report, still on the topic."""
    await world.ask("before")
    moment = world.now
    world.clock.advance(300)
    await world.send("lost")
    lost = (await on_topic(world, "incident.reports"))[1:]
    world.clock.advance((moment - world.now).total_seconds())
    await bring_back(world)
    return lost


async def test_a_report_that_the_restore_lost_is_parked_and_reported_and_can_be_sent_again(
    world: World,
) -> None:
    lost = await lose_a_report_by_restore(world)
    again = World(world.pool, world.clock)
    await again.deliver("incident.reports", lost)
    assert [consumer for consumer, reason in await reasons(again) if reason.startswith("written after")] == [
        "reports"
    ]
    report = await again.send("lost", professional=CALLED)
    await again.deliver("incident.reports", (await on_topic(again, "incident.reports"))[1:])
    assert isinstance(await again.incident_of(report), UUID)


async def test_an_event_written_before_the_lost_span_or_after_it_is_handled(world: World) -> None:
    await lose_a_report_by_restore(world)
    again = World(world.pool, world.clock)
    await again.ask("after")
    world.clock.advance(5)
    await again.consume("incident.reports", "incident.events", again=True)
    assert await reasons(again) == []
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 2


async def test_an_event_in_the_journal_is_handled_however_close_to_the_restore_it_was_written(
    world: World,
) -> None:
    await world.send("1")
    world.clock.advance(1)
    again = World(world.pool, world.clock)
    await again.consume("incident.reports")
    assert await reasons(again) == []
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1


async def test_a_restore_that_no_consumer_has_noticed_yet_is_noticed_before_its_lost_events_are_called_forged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "RECENT_S", 0.0)
    lost = await lose_a_report_by_restore(world)
    await world.deliver("incident.reports", lost)
    assert await reasons(world) == [("reports", LOST)]


async def test_events_on_topics_of_ours_that_the_restore_lost_are_parked_and_larger_ones_are_forged(
    world: World,
) -> None:
    await world.ask("before")
    moment, since = world.now, await world.pool.fetchval("SELECT max(id) FROM journal")
    world.clock.advance(300)
    await world.open_unasked("lost")
    (lost, *_) = await on_topic(world, "incident.events", since)
    world.clock.advance((moment - world.now).total_seconds())
    await bring_back(world)
    again = World(world.pool, world.clock)
    large = replace(lost, body=(lost.body or b"") + b" " * LARGEST_BODY)
    await again.deliver("incident.events", [lost, large])
    assert sorted(await reasons(again)) == sorted([("incidents", LOST), ("incidents", UNPROVEN)])
