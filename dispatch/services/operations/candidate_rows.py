"""Comparison of the candidate rows, which the search reads, with the tables that they repeat, and their correction."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.storage.pool import LONG_S
from dispatch.storage.queries import sql


class CandidateDifference(NamedTuple):
    """A candidate row that is missing or differs from its sources, with the names of the columns."""

    volunteer_id: UUID
    organisation: UUID
    columns: Sequence[str]

    def __str__(self) -> str:
        """Return a line without values, which may be personal data."""
        return f"candidates {self.volunteer_id} {self.organisation}: {', '.join(self.columns)} differ"


async def next_members(connection: asyncpg.Connection, after: UUID, count: int) -> list[UUID]:
    """Return the next people on any roster in the order of their ids."""
    return [row["volunteer_id"] for row in await connection.fetch(sql("next_members"), after, count)]


async def differing(connection: asyncpg.Connection, people: Sequence[UUID]) -> list[CandidateDifference]:
    """Return the rows of people that differ from their sources.

    One statement reads both, and one transaction writes both: work that goes on meanwhile is no difference.
    """
    rows = await connection.fetch(sql("differing_candidates"), people)
    return [CandidateDifference(*row) for row in rows]


async def refresh(connection: asyncpg.Connection, people: Sequence[UUID]) -> None:
    """Compute the rows of people anew, under lock."""
    await connection.execute(sql("refresh_candidates"), people)


async def refresh_all(connection: asyncpg.Connection) -> None:
    """Compute the rows of everybody anew, under lock."""
    await connection.execute(sql("refresh_all_candidates"), timeout=LONG_S)
