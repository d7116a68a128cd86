"""The one place that tells the time: in step with the database, faster, or moved by hand."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import asyncpg

from dispatch.storage.database_clock import database_time
from dispatch.storage.pool import UNREACHABLE

SAMPLE_EVERY_S = 30.0
TRY_AGAIN_AFTER_S = 1.0
HEALTHY_FOR_S = 3 * SAMPLE_EVERY_S


class Clock:
    """Monotonic seconds since a known moment; every host takes that moment from the database."""

    def __init__(self) -> None:
        self._moment = datetime.now(UTC)
        self._since = time.monotonic()
        self._sampled_at: float | None = None

    @staticmethod
    def fast(start: datetime, speed: float) -> "FastClock":
        """Return a clock that starts at a moment and runs faster."""
        return FastClock(start, speed)

    @property
    def healthy(self) -> bool:
        """Tell whether the database's time was heard lately."""
        return self._sampled_at is not None and time.monotonic() - self._sampled_at < HEALTHY_FOR_S

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return self._moment + timedelta(seconds=time.monotonic() - self._since)

    async def sleep(self, seconds: float) -> None:
        """Wait for so long on this clock."""
        await asyncio.sleep(seconds)

    async def sample(self, pool: asyncpg.Pool) -> None:
        """Take the database's time, halfway between asking and hearing."""
        asked = time.monotonic()
        moment = await database_time(pool)
        heard = time.monotonic()
        self._moment, self._since, self._sampled_at = moment, (asked + heard) / 2, heard

    async def follow(self, pool: asyncpg.Pool) -> NoReturn:
        """Sample for ever; `healthy` tells when it fails for long."""
        while True:
            try:
                await self.sample(pool)
            except UNREACHABLE:
                await asyncio.sleep(TRY_AGAIN_AFTER_S)
            else:
                await asyncio.sleep(SAMPLE_EVERY_S)


class FastClock(Clock):
    """A clock of its own: the demo's hours in seconds."""

    def __init__(self, start: datetime, speed: float) -> None:
        super().__init__()
        self._moment = start.astimezone(UTC)
        self._speed = speed

    @property
    def healthy(self) -> bool:
        """It depends on nobody."""
        return True

    def now(self) -> datetime:
        """Return the virtual moment."""
        return self._moment + timedelta(seconds=(time.monotonic() - self._since) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Wait for virtual seconds."""
        await asyncio.sleep(seconds / self._speed)

    def run_at(self, speed: float) -> None:
        """Go on from now at another speed; who sleeps already wakes as planned before."""
        self._moment, self._since, self._speed = self.now(), time.monotonic(), speed

    async def sample(self, pool: asyncpg.Pool) -> None:
        """Stay independent of the database's time."""


class MovableClock(FastClock):
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start, 0)
        self._moved = asyncio.Event()

    def advance(self, seconds: float) -> None:
        """Move on and wake who has slept enough."""
        self._moment += timedelta(seconds=seconds)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved so far."""
        until = self._moment + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        while self._moment < until:
            await self._moved.wait()
