"""Admission control: a long backlog rejects routine reports, and never a report that was accepted before."""

import asyncio

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.access import organisations
from dispatch.services.core.errors import OverloadedError
from dispatch.services.intake import admission, submitting
from dispatch.services.intake.admission import (
    BACKLOG_AFTER,
    BACKLOG_WINDOW,
    CHECK_INTERVAL,
    CLOSE_AT,
    REOPEN_BELOW,
    Admission,
)
from dispatch.services.operations.auditing import Auditor
from dispatch.services.subscriptions import READERS
from schemas.base import Severity
from schemas.reports import ReportBody
from tests.conftest import START
from tests.domain.builders import PLACE
from tests.support.world import TRUSTED, World

WAITING = """
INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at)
SELECT gen_random_uuid(), $1, 'actual', 'storm', gen_random_uuid(), 'http', '', $2 FROM generate_series(1, $3::int)
"""


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


@pytest.fixture
def controller(world: World) -> Admission:
    return Admission(world.uow)


async def add_backlog(world: World, count: int) -> None:
    """Insert so many reports that have waited too long."""
    await world.pool.execute(WAITING, world.organisation, world.now - BACKLOG_AFTER, count)


async def reduce_backlog(world: World, left: int) -> None:
    """Open incidents for all but so many of them."""
    await world.pool.execute(
        "UPDATE reports SET incident_id = id"
        " WHERE id IN (SELECT id FROM reports WHERE incident_id IS NULL OFFSET $1)",
        left,
    )


async def admits(world: World, controller: Admission, severity: Severity = "routine") -> bool:
    """Return whether a new report is admitted after the next reading of the backlog."""
    world.clock.advance(CHECK_INTERVAL.total_seconds())
    try:
        await controller.admit(severity)
    except OverloadedError:
        return False
    return True


async def send(world: World, controller: Admission, name: str, severity: Severity = "routine") -> bool:
    """Send a report as the HTTP route does; return whether it was known already."""
    body = ReportBody(id=name, kind="medical.fall", severity=severity, position=PLACE, occurred_at=START)
    accepted = await submitting.accept(
        world.uow,
        organisation=world.organisation,
        source=TRUSTED,
        channel="http",
        body=body,
        admission=controller,
    )
    return accepted.repeated


async def test_only_routine_reports_are_rejected_while_the_backlog_is_long(
    world: World, controller: Admission
) -> None:
    await add_backlog(world, CLOSE_AT - 1)
    assert await admits(world, controller)
    await add_backlog(world, 1)
    assert [await admits(world, controller, s) for s in ("life_threatening", "urgent", "routine")] == [
        True,
        True,
        False,
    ]


async def test_rejected_clients_get_different_delays(world: World, controller: Admission) -> None:
    await add_backlog(world, CLOSE_AT)
    waits = []
    for _ in range(admission.RETRY_SPREAD_S):
        with pytest.raises(OverloadedError) as refused:
            await controller.admit("routine")
        waits.append(refused.value.retry_after_s)
    assert sorted(waits) == list(range(5, 15))


async def test_routine_reports_are_admitted_again_only_when_most_of_the_backlog_is_gone(
    world: World, controller: Admission
) -> None:
    await add_backlog(world, CLOSE_AT)
    assert not await admits(world, controller)
    await reduce_backlog(world, REOPEN_BELOW)
    assert not await admits(world, controller)
    await reduce_backlog(world, REOPEN_BELOW - 1)
    assert await admits(world, controller)
    await add_backlog(world, 1)
    assert await admits(world, controller)


async def test_routine_reports_are_rejected_while_requests_are_slow(
    world: World, controller: Admission
) -> None:
    for waited in [admission.SLOW_S, *[admission.SLOW_S + 0.1] * (admission.SLOW_IN_A_ROW - 1)]:
        controller.record_wait(waited)
    assert await admits(world, controller)
    controller.record_wait(admission.SLOW_S + 0.1)
    await controller.admit("urgent")
    with pytest.raises(OverloadedError):
        await controller.admit("routine")
    assert await admits(world, controller)


async def test_an_accepted_report_sent_again_is_never_rejected(world: World, controller: Admission) -> None:
    assert not await send(world, controller, "call-1")
    await add_backlog(world, CLOSE_AT)
    world.clock.advance(CHECK_INTERVAL.total_seconds())
    with pytest.raises(OverloadedError):
        await send(world, controller, "call-2")
    assert await send(world, controller, "call-1")
    assert await world.pool.fetchval("SELECT count(*) FROM reports WHERE source = $1", TRUSTED) == 1


async def test_new_and_stuck_reports_do_not_count_as_backlog(world: World, controller: Admission) -> None:
    await add_backlog(world, CLOSE_AT)
    world.clock.advance(-BACKLOG_AFTER.total_seconds() - CHECK_INTERVAL.total_seconds())
    assert await admits(world, controller)
    world.clock.advance(BACKLOG_WINDOW.total_seconds())
    assert await admits(world, controller)


async def test_incidents_not_yet_considered_count_as_backlog_except_during_a_pause(
    world: World, controller: Admission
) -> None:
    for number in range(3):
        await world.open(str(number))
    await world.pool.execute(
        "INSERT INTO agenda SELECT gen_random_uuid(), kind, subject_kind, organisation, severity, due_at"
        " FROM agenda, generate_series(1, $1) WHERE kind = 'consider'",
        CLOSE_AT,
    )
    assert await admits(world, controller)
    world.clock.advance(3)
    assert not await admits(world, controller)
    await organisations.pause(world.uow, world.organisation, "Ada")
    assert await admits(world, controller)


async def test_the_backlog_is_read_at_most_four_times_a_second(
    world: World, controller: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = 0
    fetch = type(world.pool).fetchval

    async def counted(*args: object) -> object:
        nonlocal queries
        queries += 1
        return await fetch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(world.pool), "fetchval", counted)
    for _ in range(4):
        await asyncio.gather(*(controller.admit("routine") for _ in range(20)))
        await controller.admit("urgent")
        world.clock.advance(0.25)
    assert queries == 4


async def test_an_overload_escalates_once_and_is_resolved_at_its_end(world: World) -> None:
    auditor = Auditor(world.uow, READERS)
    await add_backlog(world, REOPEN_BELOW - 1)
    await auditor.round()
    assert await world.pool.fetchval("SELECT count(*) FROM escalations") == 0
    await add_backlog(world, 1)
    await auditor.round()
    await auditor.round()
    await reduce_backlog(world, REOPEN_BELOW - 1)
    await auditor.round()
    raised = await world.pool.fetch("SELECT reason, status, page FROM escalations")
    assert [tuple(row) for row in raised] == [("overload", "resolved", True)]
