"""The time of the database: the one statement that may read it."""

from datetime import datetime

import asyncpg

from dispatch.storage.queries import sql


async def database_time(pool: asyncpg.Pool) -> datetime:
    """Return the database's time, in UTC."""
    moment: datetime = await pool.fetchval(sql("database_time"))
    return moment
