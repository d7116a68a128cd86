"""How far the demo's installation has got: the oldest work that is not done, and what falls due next."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from dispatch.services.publishing.outbox import Readers
from dispatch.storage.queries import sql

IN_FLIGHT = 40
"""Events that committed so many events later than their place in the journal says are found late at most."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Since when the oldest work waits, when more falls due, and how many incidents are open."""

    since: datetime | None
    next_due: datetime | None
    open_incidents: int


class BacklogReader:
    """Reads the backlog again and again; of the journal, only what some reader may lack."""

    def __init__(self, pool: asyncpg.Pool, readers: Readers) -> None:
        self._pool = pool
        self._topics, self._consumers = map(list, zip(*readers, strict=True))
        self._read_to = 0

    async def read(self, now: datetime) -> Backlog:
        """Return the backlog of a moment."""
        row = await self._pool.fetchrow(sql("backlog"), now, self._read_to, self._topics, self._consumers)
        if row is None:
            raise LookupError("the backlog has one row")
        self._read_to = row["unread"] or max(self._read_to, row["newest"] - IN_FLIGHT)
        return Backlog(row["since"], row["first_due"], row["open_incidents"])
