"""What every service is given: the database, the time, and how to say that something was committed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import asyncpg

from dispatch.clock import Clock
from dispatch.storage.pool import retrying, transaction

T = TypeVar("T")
Work = Callable[[asyncpg.Connection, datetime], Awaitable[T]]


def _nobody() -> None:
    """Wake nobody: the relay polls anyway."""


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """A pool, a clock, and the relay's wake-up call."""

    pool: asyncpg.Pool
    clock: Clock
    wake: Callable[[], None] = _nobody

    async def transact(self, work: Work[T]) -> T:
        """Run work in one transaction, again when another one got in its way, and wake the relay after."""

        @retrying
        async def attempt() -> T:
            async with transaction(self.pool) as connection:
                return await work(connection, self.clock.now())

        result = await attempt()
        self.wake()
        return result
