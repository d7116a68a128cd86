"""The demo's clock follows the machine: it waits for work that is not done, and jumps over what holds nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from dispatch.cli.demo import pacing
from dispatch.cli.demo.clocked_tasks import ClockedTasks
from dispatch.cli.demo.pacing import AHEAD, Pace
from dispatch.clock import MovableClock
from dispatch.services.operations.demo_backlog import Backlog, BacklogReader
from dispatch.services.subscriptions import READERS
from tests.conftest import START
from tests.support.world import World

DAY = START + timedelta(days=1)
IDLE = Backlog(None, None, 0)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Machine:
    """An installation whose backlog a test determines; it counts how often it was read and woken."""

    def __init__(self, clock: MovableClock, backlog: Callable[[], Backlog] = lambda: IDLE) -> None:
        self.clock, self.backlog = clock, backlog
        self.reads = self.woken = 0
        self.tasks = ClockedTasks(clock)
        self.pace = Pace(clock, self.tasks, self.read, self.wake, speed=1e9)

    async def read(self, _now: datetime) -> Backlog:
        await asyncio.sleep(0)
        self.reads += 1
        return self.backlog()

    def wake(self) -> None:
        self.woken += 1

    def sleeper(self, *seconds: float) -> list[datetime]:
        woken: list[datetime] = []

        async def sleep() -> None:
            for pause in seconds:
                await self.tasks.sleep(pause)
                woken.append(self.clock.now())

        self.tasks.start(sleep())
        return woken


@pytest.fixture(autouse=True)
def fast_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "CHECK_EVERY_S", 0)


async def test_hours_in_which_nothing_is_due_are_jumped_over(clock: MovableClock) -> None:
    machine = Machine(clock)
    woken = machine.sleeper(7200)
    machine.pace.speed = 1
    async with asyncio.timeout(2):
        await machine.pace.run(DAY)
    assert woken == [after(7200)]


async def test_the_clock_waits_for_old_work_however_long_the_machine_needs(clock: MovableClock) -> None:
    reads_needed = 200
    machine = Machine(clock, lambda: Backlog(START if machine.reads < reads_needed else None, None, 1))
    woken = machine.sleeper(AHEAD.total_seconds() + 20)
    running = asyncio.create_task(machine.pace.run(DAY))
    while machine.reads < reads_needed - 1:
        assert clock.now() == START
        await asyncio.sleep(0)
    await running
    assert woken == [after(AHEAD.total_seconds() + 20)]


async def test_the_clock_goes_a_little_ahead_of_work_that_is_not_done(clock: MovableClock) -> None:
    machine = Machine(clock, lambda: Backlog(START, None, 1))
    woken = machine.sleeper(AHEAD.total_seconds(), 1)
    running = asyncio.create_task(machine.pace.run(DAY))
    while machine.reads < 50:
        await asyncio.sleep(0)
    running.cancel()
    assert woken == [START + AHEAD]
    assert clock.now() == START + AHEAD


async def test_the_clock_waits_for_a_person_who_is_still_being_served(clock: MovableClock) -> None:
    machine = Machine(clock)
    served = asyncio.Event()

    async def serve() -> None:
        await served.wait()

    machine.tasks.start(serve())
    machine.sleeper(600)
    running = asyncio.create_task(machine.pace.run(DAY))
    while machine.reads < 50:
        await asyncio.sleep(0)
    assert clock.now() == START
    served.set()
    await running
    assert clock.now() == after(600)


async def test_the_loops_are_woken_when_their_work_falls_due_and_only_then(clock: MovableClock) -> None:
    machine = Machine(clock, lambda: Backlog(None, after(40) if clock.now() < after(40) else None, 0))
    machine.sleeper(20, 20, 20)
    await machine.pace.run(DAY)
    assert (machine.woken, clock.now()) == (1, after(60))


async def test_lost_work_stops_the_clock_for_so_many_checks_and_not_for_ever(
    clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "STUCK_CHECKS", 30)
    machine = Machine(clock, lambda: Backlog(START, None, 1))
    woken = machine.sleeper(600)
    await machine.pace.run(DAY)
    assert (woken, machine.pace.given_up) == ([after(600)], START)


async def test_the_night_ends_at_the_latest_after_a_day(clock: MovableClock) -> None:
    machine = Machine(clock, lambda: Backlog(None, clock.now() + timedelta(hours=1), 1))
    await machine.pace.run(DAY)
    assert DAY <= clock.now() <= DAY + timedelta(hours=1)


async def test_the_clock_runs_at_most_at_the_speed_that_was_asked_for(clock: MovableClock) -> None:
    machine = Machine(clock)
    machine.sleeper(*[20] * 10)
    machine.pace.speed = 1000
    began = asyncio.get_running_loop().time()
    await machine.pace.run(DAY)
    assert asyncio.get_running_loop().time() - began >= 0.19


async def test_the_backlog_names_the_oldest_work_and_what_falls_due_next(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    reader = BacklogReader(pool, READERS)
    assert await reader.read(clock.now()) == Backlog(None, None, 0)
    await world.add_people(3)
    began = clock.now()
    await world.send("1")
    clock.advance(7)
    assert await reader.read(clock.now()) == Backlog(began, None, 0)
    await world.open("1", occurred_at=began)
    found = await reader.read(clock.now())
    assert (found.since, found.open_incidents) == (clock.now(), 1)  # its offers are not consumed yet
    assert found.next_due is not None
    assert found.next_due > clock.now()
