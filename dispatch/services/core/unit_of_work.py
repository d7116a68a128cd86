"""The unit of work of every service: the database, the clock, and the wake-up call after a commit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import asyncpg

from dispatch.clock import Clock
from dispatch.storage.pool import retrying, transaction

T = TypeVar("T")
Work = Callable[[asyncpg.Connection, datetime], Awaitable[T]]


def _no_relay() -> None:
    """Do nothing: a relay in another process polls."""


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """A pool, a clock, and the relay's wake-up call."""

    pool: asyncpg.Pool
    clock: Clock
    wake: Callable[[], None] = _no_relay

    async def transact(self, work: Work[T]) -> T:
        """Run work in one transaction, repeat it after a lost race, then wake the relay."""

        @retrying
        async def attempt() -> T:
            async with transaction(self.pool) as connection:
                return await work(connection, self.clock.now())

        result = await attempt()
        self.wake()
        return result
