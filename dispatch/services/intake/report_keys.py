"""What a report is stored under once: its organisation, its source, and the source's own id."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql

Key = tuple[UUID, str, str]


async def by_key(
    database: asyncpg.Pool | asyncpg.Connection, query: str, keys: Iterable[Key]
) -> dict[Key, asyncpg.Record]:
    """Return the rows of a query that finds reports by their keys, in its order."""
    wanted = sorted(keys)
    rows = await database.fetch(sql(query), *map(list, zip(*wanted, strict=True))) if wanted else []
    return {(row["organisation"], row["source"], row["source_id"]): row for row in rows}
