"""The clocks: one that follows the database's time, and one that stands still until it is moved."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import NoReturn

import asyncpg

from dispatch.storage.database_clock import database_time
from dispatch.storage.pool import UNREACHABLE

SAMPLE_INTERVAL_S = 30.0
RETRY_S = 1.0
HEALTHY_FOR_S = 3 * SAMPLE_INTERVAL_S


class Clock:
    """Monotonic seconds since a reference time, which every host samples from the database."""

    def __init__(self, reference: datetime | None = None) -> None:
        """Begin at a time, by default that of this host, until the database's is sampled."""
        self._reference = reference or datetime.now(UTC)
        self._reference_at = time.monotonic()
        self._sampled_at: float | None = None

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


class MovableClock(Clock):
    """A clock that stands still until it is moved: by the demo, or by a test."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = count()

    @property
    def healthy(self) -> bool:
        """Return true: it depends on no sample."""
        return True

    def now(self) -> datetime:
        """Return the time to which it was moved, in UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake the sleepers whose time has come; a negative number moves it back."""
        self._move(self._now + timedelta(seconds=seconds))

    def advance_to(self, moment: datetime) -> None:
        """Move the clock to a moment, never back, and wake the sleepers whose time has come."""
        self._move(max(self._now, moment.astimezone(UTC)))

    def _move(self, moment: datetime) -> None:
        self._now = moment
        while self._sleepers and self._sleepers[0][0] <= self._now:
            *_, woken = heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved by so many seconds."""
        until = self._now + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        if self._now < until:
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heappush(self._sleepers, (until, next(self._order), woken))
            await woken

    async def sample(self, pool: asyncpg.Pool) -> None:
        """Do nothing: this clock is independent of the database's time."""
