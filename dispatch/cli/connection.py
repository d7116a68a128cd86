"""The connection of a command to the database of a running installation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import uvloop

from dispatch.cli.addresses import read_addresses
from dispatch.cli.output import fail
from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.generation_guard import adjust_once
from dispatch.storage.pool import UNREACHABLE, describe, open_pool

T = TypeVar("T")


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[UnitOfWork]:
    """Connect to the database of a running installation and sample its clock; raises MisuseError without an address."""
    dsn = read_addresses(settings).postgres.get_secret_value()
    if not dsn:
        msg = "no database address is known: set DISPATCH_POSTGRES, or start `dispatch up` with the same DISPATCH_DATA"
        raise MisuseError(msg)
    pool = await open_pool(dsn, application="renfort-cli", size=4)
    try:
        clock = Clock()
        await clock.sample(pool)
        await adjust_once(pool)
        yield UnitOfWork(pool, clock)
    finally:
        pool.terminate()


@asynccontextmanager
async def installation(settings: Settings) -> AsyncIterator[UnitOfWork]:
    """Connect as `connected` does; exit where the database does not answer."""
    try:
        async with connected(settings) as uow:
            yield uow
    except UNREACHABLE as error:
        if isinstance(error, asyncpg.PostgresError) and not isinstance(
            error, asyncpg.PostgresConnectionError
        ):
            raise
        fail(unanswered(error, settings))


def unanswered(error: BaseException, settings: Settings) -> str:
    """Return why the database does not answer; an embedded one answers only while Renfort runs."""
    embedded = not settings.postgres.get_secret_value()
    if embedded and isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"Renfort is not running: start `dispatch up` with DISPATCH_DATA={settings.folder}"
    return f"the database does not answer: {describe(error)}"


def run(work: Callable[[UnitOfWork], Awaitable[T]], settings: Settings | None = None) -> T:
    """Run one command on the installation."""

    async def inside() -> T:
        async with installation(settings or Settings()) as uow:
            return await work(uow)

    return run_alone(inside())


def run_alone(work: Coroutine[None, None, T]) -> T:
    """Run a command that connects by itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
