"""The keeper: erases what was kept long enough, a little at a time, by the one table of what is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.retention import EXPIRING, cutoffs
from dispatch.metrics import ERASED
from dispatch.services.core.errors import ConflictError
from dispatch.services.core.failures import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import describe
from dispatch.storage.queries import sql

AT_ONCE = 1000
"""How many rows one transaction looks at or erases."""
PAUSE_S = 0.02
"""What lies between two, so that the rest of the work comes first."""
EVERY = timedelta(hours=1)
LOOK_EVERY_S = 60.0
START = UUID(int=0)

Told = Callable[[str], None]

log = structlog.get_logger()


class Run(NamedTuple):
    """How one table was looked through last."""

    ran_at: datetime
    erased: int
    total: int


class Step(NamedTuple):
    """How many rows one transaction erased, and where to go on; nowhere at the end."""

    erased: int
    place: UUID | None


class Keeper:
    """Erases once an hour, in one process at a time."""

    def __init__(self, uow: UnitOfWork, kept: Mapping[str, int]) -> None:
        """Take how many days each table is kept."""
        self._uow = uow
        self._kept = kept

    async def run(self) -> None:
        """Keep for ever; difficulties of the moment are logged and waited out."""
        while True:
            try:
                await self.round()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the keeper waits", error=describe(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def round(self) -> None:
        """Erase where an hour has passed and nobody else is at it."""
        known = await last_runs(self._uow)
        now = self._uow.clock.now()
        if all(rule.name in known and known[rule.name].ran_at > now - EVERY for rule in EXPIRING):
            return
        try:
            erased = await erase(self._uow, self._kept)
        except ConflictError:
            return
        if found := {name: count for name, count in erased.items() if count}:
            log.info("erased what was kept long enough", **found)


async def erase(
    uow: UnitOfWork, kept: Mapping[str, int], *, tell: Told = lambda _: None, dry: bool = False
) -> dict[str, int]:
    """Erase what was kept long enough; return how many rows of each table.

    A dry run changes nothing, and counts no farther than one transaction goes.
    Raises ConflictError while another process erases.
    """
    before = cutoffs(kept, uow.clock.now())
    erased: dict[str, int] = {}
    async with _alone(uow.pool) as connection:
        for name, moment in before.items():
            tell(name)
            if dry:
                erased[name] = await _would_expire(connection, name, moment)
                continue
            erased[name] = await _expire(connection, name, moment)
            await connection.execute(sql("note_expired"), name, uow.clock.now(), erased[name])
            ERASED.labels(name).inc(erased[name])
    return erased


@asynccontextmanager
async def _alone(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Borrow a connection that keeps other processes from erasing, until it comes back or is lost."""
    async with pool.acquire() as borrowed:
        connection = cast("asyncpg.Connection", borrowed)
        if not await connection.fetchval(sql("try_keep")):
            raise ConflictError("another process is erasing: try again in a minute")
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute(sql("end_keeping"))


async def last_runs(uow: UnitOfWork) -> dict[str, Run]:
    """Tell when each table was looked through last."""
    rows = await uow.pool.fetch(sql("retention_runs"))
    return {row["name"]: Run(row["ran_at"], row["erased"], row["total"]) for row in rows}


async def _expire(connection: asyncpg.Connection, name: str, before: datetime) -> int:
    erased, place = 0, START
    while True:
        step = await _step(connection, name, before, place)
        erased += step.erased
        if step.place is None:
            return erased
        place = step.place
        await asyncio.sleep(PAUSE_S)


async def _would_expire(connection: asyncpg.Connection, name: str, before: datetime) -> int:
    """Erase and take it back: what is counted is what would go."""
    erased, step = 0, Step(0, START)
    attempt = connection.transaction()
    await attempt.start()
    try:
        while step.place is not None and erased < AT_ONCE:
            step = await _step(connection, name, before, step.place)
            erased += step.erased
    finally:
        await attempt.rollback()
    return min(erased, AT_ONCE)


async def _step(connection: asyncpg.Connection, name: str, before: datetime, place: UUID) -> Step:
    row = await connection.fetchrow(sql(f"expire_{name}"), before, place, AT_ONCE)
    assert row is not None  # noqa: S101 - one row of counts, always
    return Step(row["erased"], row["place"])
