"""The backups as the database shows them: row counts, how far the write-ahead log is copied, and proven drills."""

from datetime import datetime

import asyncpg

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql


async def row_counts(uow: UnitOfWork) -> dict[str, int]:
    """Count the rows that a restored database is compared by: incidents, reports, events and people."""
    return dict(await uow.pool.fetchrow(sql("drill_row_counts")) or {})


async def record_start(uow: UnitOfWork, until: datetime) -> None:
    """Record a drill that restores the database as it was at `until`.

    Its commit comes after that moment, so that the log has a place at which the recovery stops.
    """
    await uow.pool.execute(sql("record_drill"), until)


async def record_result(uow: UnitOfWork, until: datetime, seconds: float, *, proven: bool) -> None:
    """Record how long a drill took, and whether the restored database was complete."""
    await uow.pool.execute(sql("record_drill_result"), until, seconds, proven)


async def last_proven(pool: asyncpg.Pool) -> datetime | None:
    """Return the last moment that a drill restored completely."""
    moment: datetime | None = await pool.fetchval(sql("last_proven_drill"))
    return moment


async def wal_position(uow: UnitOfWork) -> object:
    """Return how far the write-ahead log is written."""
    return await uow.pool.fetchval(sql("wal_position"))


async def wal_is_copied(pool: asyncpg.Pool, position: object = 0) -> bool:
    """Return whether the write-ahead log is copied elsewhere as far as a position."""
    return bool(await pool.fetchval(sql("wal_is_copied"), position))


async def last_event_at(uow: UnitOfWork) -> datetime | None:
    """Return when the last event was recorded."""
    moment: datetime | None = await uow.pool.fetchval(sql("last_event_at"))
    return moment
