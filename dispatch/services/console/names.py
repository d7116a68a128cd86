"""The names of volunteers, whom events and tables know by pseudonym."""

from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql


async def names_of(connection: asyncpg.Connection, organisation: UUID, people: set[UUID]) -> dict[UUID, str]:
    """Return the names that an organisation has for volunteers, without those who were erased."""
    rows = await connection.fetch(sql("names_of"), organisation, sorted(people))
    return {row["volunteer_id"]: row["name"] for row in rows}
