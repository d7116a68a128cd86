"""The one statement that may read the database's time, and a check that the database answers."""

from datetime import datetime

import asyncpg

from dispatch.storage.queries import sql


async def database_time(pool: asyncpg.Pool) -> datetime:
    """Return the database's time, in UTC."""
    moment: datetime = await pool.fetchval(sql("database_time"))
    return moment


async def ping(pool: asyncpg.Pool, seconds: float) -> None:
    """Run a statement that does nothing; raises TimeoutError after so many seconds without a connection or answer."""
    async with pool.acquire(timeout=seconds) as connection:
        await connection.execute(sql("ping"), timeout=seconds)
