"""A record that falsely claims on a shared topic to be Renfort's is rejected, before the true event and after it."""

from dataclasses import replace

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.ingest.provenance import UNPROVEN
from dispatch.services.intake.opening import Intake
from dispatch.services.operations.parking_actions import retry
from dispatch.services.subscriptions import handlers_of
from schemas.decoding import Received
from schemas.ids import named
from tests.support.world import TRUSTED, World

REPORTS = "incident.reports"


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def true_one(world: World) -> Received:
    """Accept a report, and return its event as the relay publishes it."""
    await world.send("1", severity="urgent")
    (row,) = await world.pool.fetch("SELECT * FROM journal WHERE topic = $1", REPORTS)
    record = world.record_of(row)
    assert isinstance(record, Received)
    return record


def forgeries(true: Received) -> dict[str, Received]:
    body = (true.body or b"").replace(b'"urgent"', b'"routine"')
    assert body != true.body
    data = true.data.model_copy(update={"severity": "routine"}) if true.data else None
    return {
        "its body": replace(true, body=body, data=data),
        "a header": replace(true, headers=[*true.headers, ("x", b"\xff")]),
        "its moment": replace(
            true,
            headers=[(n, b"2020-01-01T00:00:00Z" if n == "ce_recordedtime" else v) for n, v in true.headers],
        ),
    }


@pytest.mark.parametrize("what", ["its body", "a header", "its moment"])
async def test_an_accepted_report_is_worked_although_somebody_used_its_events_name_first(
    world: World, what: str
) -> None:
    true = await true_one(world)
    await world.deliver(REPORTS, [forgeries(true)[what]])
    assert await world.pool.fetchval("SELECT reason FROM parking") == UNPROVEN
    assert await world.pool.fetchval("SELECT count(*) FROM inbox") == 0
    await world.deliver(REPORTS, [true])
    assert await world.pool.fetchval("SELECT severity FROM incidents") == "urgent"


async def test_a_name_that_was_used_before_the_report_came_harms_it_no_more(world: World) -> None:
    true = await true_one(world)
    await world.pool.execute("UPDATE journal SET event_id = $1", named("not written yet"))
    await world.deliver(REPORTS, [true])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 0
    await world.pool.execute("UPDATE journal SET event_id = $1", true.event_id)
    await world.deliver(REPORTS, [true])
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1


async def test_a_forgery_that_was_parked_is_refused_again(world: World) -> None:
    await world.deliver(REPORTS, [forgeries(await true_one(world))["its body"]])
    (name,) = [row["id"] for row in await world.pool.fetch("SELECT id FROM parking")]
    outcome = await retry(world.uow, handlers_of(Intake(world.book)), name, "Ada")
    assert (outcome.what, outcome.detail) == ("refused", UNPROVEN)
    assert await world.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_of_a_batch_only_the_forged_are_parked(world: World) -> None:
    true = await true_one(world)
    await world.deliver(REPORTS, [*forgeries(true).values(), true])
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == len(forgeries(true))
    assert await world.pool.fetchval("SELECT source FROM reports") == TRUSTED
    assert await world.pool.fetchval("SELECT count(*) FROM incidents") == 1
