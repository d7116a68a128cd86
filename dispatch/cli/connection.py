"""The connection of a command to a running installation, and the addresses that `dispatch up` writes for it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import asyncpg
import orjson
import uvloop
from pydantic import SecretStr

from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.generations import adjust_once
from dispatch.storage.pool import UNREACHABLE, describe, open_pool

T = TypeVar("T")
FILE = "addresses.json"


def write_addresses(folder: Path, **addresses: str) -> None:
    """Write the addresses that client commands read; only their owner may read the file."""
    path = folder / FILE
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(addresses))


def read_addresses(settings: Settings) -> Settings:
    """Return the settings with empty addresses replaced by those that `dispatch up` wrote."""
    path = settings.folder / FILE
    found = orjson.loads(path.read_bytes()) if path.exists() else {}
    postgres = settings.postgres.get_secret_value() or found.get("postgres", "")
    changes = {"kafka": settings.kafka or found.get("kafka", ""), "postgres": SecretStr(postgres)}
    return settings.model_copy(update=changes)


@asynccontextmanager
async def installation(settings: Settings) -> AsyncIterator[UnitOfWork]:
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
    except UNREACHABLE as error:
        if isinstance(error, asyncpg.PostgresError) and not isinstance(
            error, asyncpg.PostgresConnectionError
        ):
            raise
        fail(f"the database does not answer: {describe(error)}")
    finally:
        pool.terminate()


def run(work: Callable[[UnitOfWork], Awaitable[T]], settings: Settings | None = None) -> T:
    """Run one command on the installation."""

    async def inside() -> T:
        async with installation(settings or Settings()) as uow:
            return await work(uow)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(inside())


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error on stderr and exit: 1 for a failure, 2 for misuse."""
    sys.stderr.write(f"dispatch: {message}\n")
    sys.exit(code)
