"""The clocks: one that follows the database's time, one that runs faster, and one that a test moves."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import asyncpg

from dispatch.storage.database_clock import database_time
from dispatch.storage.pool import UNREACHABLE

SAMPLE_INTERVAL_S = 30.0
RETRY_S = 1.0
HEALTHY_FOR_S = 3 * SAMPLE_INTERVAL_S


class Clock:
    """Monotonic seconds since a reference time, which every host samples from the database."""

    def __init__(self) -> None:
        self._reference = datetime.now(UTC)
        self._reference_at = time.monotonic()
        self._sampled_at: float | None = None

    @staticmethod
    def fast(start: datetime, speed: float) -> "FastClock":
        """Return a clock that starts at a moment and runs faster."""
        return FastClock(start, speed)

    @property
    def healthy(self) -> bool:
        """Return whether the last sample of the database's time is recent enough."""
        return self._sampled_at is not None and time.monotonic() - self._sampled_at < HEALTHY_FOR_S

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return self._reference + timedelta(seconds=time.monotonic() - self._reference_at)

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds of this clock."""
        await asyncio.sleep(seconds)

    async def sample(self, pool: asyncpg.Pool) -> None:
        """Sample the database's time, assigned to the middle between the request and the response."""
        requested = time.monotonic()
        sampled = await database_time(pool)
        received = time.monotonic()
        self._reference, self._reference_at = sampled, (requested + received) / 2
        self._sampled_at = received

    async def follow(self, pool: asyncpg.Pool) -> NoReturn:
        """Sample for ever; `healthy` turns false where that fails for long."""
        while True:
            try:
                await self.sample(pool)
            except UNREACHABLE:
                await asyncio.sleep(RETRY_S)
            else:
                await asyncio.sleep(SAMPLE_INTERVAL_S)


class FastClock(Clock):
    """A clock that ignores the database's time and runs faster: the demo's hours pass in seconds."""

    def __init__(self, start: datetime, speed: float) -> None:
        super().__init__()
        self._reference = start.astimezone(UTC)
        self._speed = speed

    @property
    def healthy(self) -> bool:
        """Return true: it depends on no sample."""
        return True

    def now(self) -> datetime:
        """Return the virtual time, in UTC."""
        return self._reference + timedelta(seconds=(time.monotonic() - self._reference_at) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many virtual seconds."""
        await asyncio.sleep(seconds / self._speed)

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; a sleep that has begun still ends at its earlier speed."""
        self._reference, self._reference_at, self._speed = self.now(), time.monotonic(), speed

    async def sample(self, pool: asyncpg.Pool) -> None:
        """Do nothing: this clock is independent of the database's time."""


class MovableClock(FastClock):
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start, 0)
        self._moved = asyncio.Event()

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake the sleepers whose time has come."""
        self._reference += timedelta(seconds=seconds)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved by so many seconds."""
        until = self._reference + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        while self._reference < until:
            await self._moved.wait()
