"""Restore epochs: a number that grows each time the database is found to be restored, promoted or copied."""

from datetime import datetime

import asyncpg

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql

RENUMBERING_PATIENCE_S = 3600.0


async def current_epoch(uow: UnitOfWork) -> int:
    """Return the epoch in force; begin one if the database was restored, promoted or copied since."""
    current = await uow.pool.fetchval(sql("current_epoch"))
    return int(current) if current is not None else await uow.transact(_begin_epoch)


async def _begin_epoch(connection: asyncpg.Connection, now: datetime) -> int:
    await connection.execute(sql("lock_epochs"))
    current = await connection.fetchval(sql("current_epoch"))
    if current is None:
        await connection.execute(sql("renumber_journal"), timeout=RENUMBERING_PATIENCE_S)
        current = await connection.fetchval(sql("begin_epoch"), now)
    return int(current)
