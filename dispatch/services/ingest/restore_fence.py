"""What a restored database has forgotten and a topic still holds: it must not be taken for what is written now.

An event is named by its stream and its place there. After a restore the same places are written a second time: what
stands on a topic from before would be taken in for the new, and the new for a repetition.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.storage.chain import bucket_of
from dispatch.storage.queries import sql
from schemas.envelope import Received, Unreadable, recorded_at
from schemas.topics import INBOX_DAYS

REASON = "written after the moment that the database was brought back to"
LOOK_EVERY_S = 10.0
HORIZON = timedelta(days=INBOX_DAYS)

Record = Received | Unreadable


class Forgotten:
    """Knows when events were written that this database may not have."""

    def __init__(self, uow: UnitOfWork) -> None:
        """Know nothing yet."""
        self._uow = uow
        self._times: list[tuple[datetime, datetime]] = []
        self._looked: float | None = None

    async def look(self) -> None:
        """Find out whether the database was brought back, now and then."""
        now = asyncio.get_running_loop().time()
        if self._looked is None or now - self._looked > LOOK_EVERY_S:
            await current_epoch(self._uow)
            since = self._uow.clock.now() - HORIZON
            rows = await self._uow.pool.fetch(sql("forgotten_times"), since)
            self._times = [(row["after"], row["before"]) for row in rows]
            self._looked = now

    async def sift(self, connection: asyncpg.Connection, records: Sequence[Record]) -> list[Record]:
        """Give up on what was written in such a time and is not in the journal; all else stays as it is."""
        received = [record for record in records if isinstance(record, Received)]
        suspects = {record.event_id: record for record in received if self._is_suspect(record)}
        if not suspects:
            return list(records)
        known = await _known(connection, list(suspects.values()))
        gone = suspects.keys() - known
        return [
            record.unreadable(REASON) if isinstance(record, Received) and record.event_id in gone else record
            for record in records
        ]

    def _is_suspect(self, record: Received) -> bool:
        if not self._times or not record.ours:
            return False
        at = recorded_at(record)
        return any(after < at < before for after, before in self._times)


async def _known(connection: asyncpg.Connection, suspects: Sequence[Received]) -> set[UUID]:
    rows = await connection.fetch(
        sql("events_written"), [record.event_id for record in suspects],
        [recorded_at(record) for record in suspects], [bucket_of(record.key) for record in suspects],
    )  # fmt: skip
    return {row["event_id"] for row in rows}
