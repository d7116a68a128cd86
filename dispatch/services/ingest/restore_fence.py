"""The restore fence: rejects records on a topic that a restored database no longer has.

An event is named by its stream and its place there. After a restore the same places are written a second time: the
old record would be handled instead of the new one, and the new one would pass for a repetition.
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
from schemas.decoding import Received, Unreadable, recorded_at
from schemas.topics import INBOX_DAYS

LOST = "written after the moment that the database was restored to"
CHECK_EVERY_S = 10.0
SUSPECT_FOR = timedelta(days=INBOX_DAYS)
"""The time after a restore in which such records may still arrive: no topic retains them for longer."""

Record = Received | Unreadable


class RestoreFence:
    """The spans of time whose events this database may have lost."""

    def __init__(self, uow: UnitOfWork) -> None:
        """Start without any span; the first `refresh` reads them."""
        self._uow = uow
        self._times: list[tuple[datetime, datetime]] = []
        self._checked_at: float | None = None

    async def refresh(self) -> None:
        """Check whether the database was restored, at most once per `CHECK_EVERY_S`."""
        now = asyncio.get_running_loop().time()
        if self._checked_at is None or now - self._checked_at > CHECK_EVERY_S:
            await current_epoch(self._uow)
            since = self._uow.clock.now() - SUSPECT_FOR
            rows = await self._uow.pool.fetch(sql("lost_times"), since)
            self._times = [(row["after"], row["before"]) for row in rows]
            self._checked_at = now

    async def reject_lost(self, connection: asyncpg.Connection, records: Sequence[Record]) -> list[Record]:
        """Turn records of such a span that are missing from the journal into unreadable ones."""
        received = [record for record in records if isinstance(record, Received)]
        suspects = {record.event_id: record for record in received if self._is_suspect(record)}
        if not suspects:
            return list(records)
        known = await _known(connection, list(suspects.values()))
        gone = suspects.keys() - known
        return [
            record.unreadable(LOST) if isinstance(record, Received) and record.event_id in gone else record
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
