"""The clock: one time for every host, and one that the demo and tests move."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from dispatch.clock import Clock, MovableClock
from dispatch.storage.pool import ConnectionLostError
from tests.conftest import START


async def test_a_host_with_a_wrong_clock_takes_the_databases_time(pool: asyncpg.Pool) -> None:
    clock = Clock()
    clock._reference += timedelta(hours=3)  # noqa: SLF001 - a host three hours ahead
    assert not clock.healthy
    await clock.sample(pool)
    assert clock.healthy
    heard: datetime = await pool.fetchval("SELECT clock_timestamp()")
    assert abs(clock.now() - heard) < timedelta(seconds=0.2)


async def test_a_clock_that_hears_nothing_becomes_unhealthy(pool: asyncpg.Pool) -> None:
    clock = Clock()
    await clock.sample(pool)
    assert clock._sampled_at is not None  # noqa: SLF001
    clock._sampled_at -= 91  # noqa: SLF001 - a minute and a half ago
    assert not clock.healthy


async def test_following_goes_on_after_a_failure(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, sample = Clock(), Clock.sample
    failures: list[Exception] = [OSError(), ConnectionLostError("pool is closed")]

    async def fail_first(self: Clock, pool: asyncpg.Pool) -> None:
        if failures:
            raise failures.pop()
        await sample(self, pool)

    monkeypatch.setattr(Clock, "sample", fail_first)
    monkeypatch.setattr("dispatch.clock.RETRY_S", 0)
    following = asyncio.create_task(clock.follow(pool))
    async with asyncio.timeout(5):
        while not clock.healthy:
            await asyncio.sleep(0.01)
    following.cancel()


async def test_a_movable_clock_ignores_the_databases_time(pool: asyncpg.Pool) -> None:
    clock = MovableClock(START)
    await clock.sample(pool)
    assert (clock.now(), clock.healthy) == (START, True)


async def test_a_movable_clock_never_goes_back(clock: MovableClock) -> None:
    clock.advance_to(START + timedelta(seconds=9))
    clock.advance_to(START)
    assert clock.now() == START + timedelta(seconds=9)


async def test_a_movable_clock_passes_over_a_sleeper_that_was_cancelled(clock: MovableClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0.01)
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    clock.advance(10)
    assert clock.now() == START + timedelta(seconds=10)


async def test_a_movable_clock_stands_still_and_wakes_sleepers_in_time(clock: MovableClock) -> None:
    woken: list[int] = []

    async def sleep(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    sleepers = [asyncio.create_task(sleep(seconds)) for seconds in (10, 60)]
    await asyncio.sleep(0.01)
    clock.advance(30)
    await asyncio.sleep(0.01)
    assert woken == [10]
    clock.advance(30)
    await asyncio.gather(*sleepers)
    assert (woken, clock.now()) == ([10, 60], START + timedelta(seconds=60))
    assert clock.now().tzinfo is UTC
