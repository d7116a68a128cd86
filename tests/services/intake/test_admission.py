"""While too much waits inside, routine reports wait outside; nothing that was accepted is refused afterwards."""

import asyncio

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.access import organisations
from dispatch.services.core.errors import OverloadedError
from dispatch.services.intake import admission, submitting
from dispatch.services.intake.admission import FEW, HORIZON, LOOK_EVERY, MOST, PATIENCE, Admission
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
    return await World(pool, clock).found()


@pytest.fixture
def door(world: World) -> Admission:
    return Admission(world.uow)


async def wait(world: World, count: int) -> None:
    """Let so many reports have waited too long."""
    await world.pool.execute(WAITING, world.organisation, world.now - PATIENCE, count)


async def work_off(world: World, left: int) -> None:
    """Let all but a few of them become incidents."""
    await world.pool.execute(
        "UPDATE reports SET incident_id = id"
        " WHERE id IN (SELECT id FROM reports WHERE incident_id IS NULL OFFSET $1)",
        left,
    )


async def admits(world: World, door: Admission, severity: Severity = "routine") -> bool:
    """Tell whether a new report comes in, at the next look."""
    world.clock.advance(LOOK_EVERY.total_seconds())
    try:
        await door.admit(severity)
    except OverloadedError:
        return False
    return True


async def send(world: World, door: Admission, name: str, severity: Severity = "routine") -> bool:
    """Send a report as the HTTP route does; tell whether it was known already."""
    body = ReportBody(id=name, kind="medical.fall", severity=severity, position=PLACE, occurred_at=START)
    kept = await submitting.accept(
        world.uow,
        organisation=world.organisation,
        source=TRUSTED,
        channel="http",
        body=body,
        admission=door,
    )
    return kept.repeated


async def test_only_routine_reports_wait_outside(world: World, door: Admission) -> None:
    await wait(world, MOST - 1)
    assert await admits(world, door)
    await wait(world, 1)
    assert [await admits(world, door, s) for s in ("life_threatening", "urgent", "routine")] == [
        True,
        True,
        False,
    ]


async def test_who_is_refused_is_told_when_to_come_again_and_not_all_at_once(
    world: World, door: Admission
) -> None:
    await wait(world, MOST)
    waits = []
    for _ in range(admission.SPREAD_S):
        with pytest.raises(OverloadedError) as refused:
            await door.admit("routine")
        waits.append(refused.value.retry_after_s)
    assert sorted(waits) == list(range(5, 15))


async def test_the_door_opens_only_when_most_is_worked_off(world: World, door: Admission) -> None:
    await wait(world, MOST)
    assert not await admits(world, door)
    await work_off(world, FEW)
    assert not await admits(world, door)
    await work_off(world, FEW - 1)
    assert await admits(world, door)
    await wait(world, 1)
    assert await admits(world, door)


async def test_where_requests_wait_for_their_turn_routine_reports_come_again_later(
    world: World, door: Admission
) -> None:
    for waited in [admission.SLOW_S, *[admission.SLOW_S + 0.1] * (admission.SLOW_TOGETHER - 1)]:
        door.notice(waited)
    assert await admits(world, door)
    door.notice(admission.SLOW_S + 0.1)
    await door.admit("urgent")
    with pytest.raises(OverloadedError):
        await door.admit("routine")
    assert await admits(world, door)


async def test_what_was_accepted_is_accepted_again_however_much_waits(world: World, door: Admission) -> None:
    assert not await send(world, door, "call-1")
    await wait(world, MOST)
    world.clock.advance(LOOK_EVERY.total_seconds())
    with pytest.raises(OverloadedError):
        await send(world, door, "call-2")
    assert await send(world, door, "call-1")
    assert await world.pool.fetchval("SELECT count(*) FROM reports WHERE source = $1", TRUSTED) == 1


async def test_what_is_new_or_stuck_is_no_backlog(world: World, door: Admission) -> None:
    await wait(world, MOST)
    world.clock.advance(-PATIENCE.total_seconds() - LOOK_EVERY.total_seconds())
    assert await admits(world, door)
    world.clock.advance(HORIZON.total_seconds())
    assert await admits(world, door)


async def test_incidents_that_nobody_considered_are_backlog_but_not_during_a_pause(
    world: World, door: Admission
) -> None:
    for number in range(3):
        await world.open(str(number))
    await world.pool.execute(
        "INSERT INTO agenda SELECT gen_random_uuid(), kind, subject_kind, organisation, severity, due_at"
        " FROM agenda, generate_series(1, $1) WHERE kind = 'consider'",
        MOST,
    )
    assert await admits(world, door)
    world.clock.advance(3)
    assert not await admits(world, door)
    await organisations.pause(world.uow, world.organisation, "Ada")
    assert await admits(world, door)


async def test_the_backlog_is_looked_at_four_times_in_a_second_however_much_comes_in(
    world: World, door: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    fetch = type(world.pool).fetchval

    async def counted(*args: object) -> object:
        nonlocal looks
        looks += 1
        return await fetch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(world.pool), "fetchval", counted)
    for _ in range(4):
        await asyncio.gather(*(door.admit("routine") for _ in range(20)))
        await door.admit("urgent")
        world.clock.advance(0.25)
    assert looks == 4


async def test_a_supervisor_is_told_of_an_overload_once_until_it_is_over(world: World) -> None:
    auditor = Auditor(world.uow, READERS)
    await wait(world, FEW - 1)
    await auditor.round()
    assert await world.pool.fetchval("SELECT count(*) FROM escalations") == 0
    await wait(world, 1)
    await auditor.round()
    await auditor.round()
    await work_off(world, FEW - 1)
    await auditor.round()
    told = await world.pool.fetch("SELECT reason, status, page FROM escalations")
    assert [tuple(row) for row in told] == [("overload", "resolved", True)]
