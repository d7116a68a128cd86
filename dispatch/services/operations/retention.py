"""Retention: erases expired rows in small transactions, by the one table of retention rules."""

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
from dispatch.services.core.error_classification import is_transient
from dispatch.services.core.errors import ConflictError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import describe
from dispatch.storage.queries import sql

ROWS_PER_TRANSACTION = 1000
"""How many rows one transaction reads or erases at most."""
PAUSE_S = 0.02
"""The pause between two transactions, so that other work comes first."""
INTERVAL = timedelta(hours=1)
CHECK_INTERVAL_S = 60.0
START = UUID(int=0)

OnTable = Callable[[str], None]

log = structlog.get_logger()


class Run(NamedTuple):
    """The last run on one table: when, how many rows it erased, and how many all runs have erased."""

    ran_at: datetime
    erased: int
    total: int


class ErasureStep(NamedTuple):
    """How many rows one transaction erased, and the key to go on from; None at the end of the table."""

    erased: int
    place: UUID | None


class RetentionJob:
    """Erases expired rows once an hour, in one process at a time."""

    def __init__(self, uow: UnitOfWork, days_by_table: Mapping[str, int]) -> None:
        """Take how many days each table retains its rows."""
        self._uow = uow
        self._days_by_table = days_by_table

    async def run(self) -> None:
        """Run for ever; after a transient error, log it and try again a minute later."""
        while True:
            try:
                await self.round()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the retention job failed and is repeated", error=describe(error))
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def round(self) -> None:
        """Erase if an hour has passed since the last run and no other process is erasing."""
        known = await last_runs(self._uow)
        now = self._uow.clock.now()
        if all(rule.name in known and known[rule.name].ran_at > now - INTERVAL for rule in EXPIRING):
            return
        try:
            erased = await erase(self._uow, self._days_by_table)
        except ConflictError:
            return
        if found := {name: count for name, count in erased.items() if count}:
            log.info("expired rows erased", **found)


async def erase(
    uow: UnitOfWork,
    days_by_table: Mapping[str, int],
    *,
    on_table: OnTable = lambda _: None,
    dry: bool = False,
) -> dict[str, int]:
    """Erase expired rows; return how many of each table.

    A dry run changes nothing, and counts at most as many rows of a table as one transaction erases.
    Raises ConflictError while another process is erasing.
    """
    before = cutoffs(days_by_table, uow.clock.now())
    erased: dict[str, int] = {}
    async with _exclusively(uow.pool) as connection:
        for name, moment in before.items():
            on_table(name)
            if dry:
                erased[name] = await _would_expire(connection, name, moment)
                continue
            erased[name] = await _expire(connection, name, moment)
            await connection.execute(sql("record_retention_run"), name, uow.clock.now(), erased[name])
            ERASED.labels(name).inc(erased[name])
    return erased


@asynccontextmanager
async def _exclusively(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Acquire a connection that prevents other processes from erasing until it is released or lost."""
    async with pool.acquire() as acquired:
        connection = cast("asyncpg.Connection", acquired)
        if not await connection.fetchval(sql("try_lock_retention")):
            raise ConflictError("another process is erasing: try again in a minute")
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute(sql("unlock_retention"))


async def last_runs(uow: UnitOfWork) -> dict[str, Run]:
    """Return the last run on each table, by the table's name."""
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
    """Count what would be erased by erasing it and rolling back."""
    erased, step = 0, ErasureStep(0, START)
    attempt = connection.transaction()
    await attempt.start()
    try:
        while step.place is not None and erased < ROWS_PER_TRANSACTION:
            step = await _step(connection, name, before, step.place)
            erased += step.erased
    finally:
        await attempt.rollback()
    return min(erased, ROWS_PER_TRANSACTION)


async def _step(connection: asyncpg.Connection, name: str, before: datetime, place: UUID) -> ErasureStep:
    row = await connection.fetchrow(sql(f"expire_{name}"), before, place, ROWS_PER_TRANSACTION)
    assert row is not None  # noqa: S101 - one row of counts, always
    return ErasureStep(row["erased"], row["place"])
