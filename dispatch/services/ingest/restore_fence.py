"""The restore fence: which records on a topic a restored database may have lost.

An event is named by its stream and its place there. After a restore the same places are written a second time. The old
records are not in the journal, as forged ones are not: the time at which they were written tells them apart.
"""

import asyncio
from datetime import datetime, timedelta

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.storage.queries import sql
from schemas.topics import INBOX_DAYS

LOST = "written after the moment that the database was restored to"
CHECK_EVERY_S = 10.0
SUSPECT_FOR = timedelta(days=INBOX_DAYS)
"""The time after a restore in which such records may still arrive: no topic retains them for longer."""


class RestoreFence:
    """The spans of time whose events this database may have lost."""

    def __init__(self, uow: UnitOfWork) -> None:
        """Start without any span; the first `refresh` reads them."""
        self._uow = uow
        self._times: list[tuple[datetime, datetime]] = []
        self._checked_at: float | None = None

    async def refresh(self, max_age_s: float = CHECK_EVERY_S) -> None:
        """Check whether the database was restored, unless that was done within `max_age_s`."""
        now = asyncio.get_running_loop().time()
        if self._checked_at is None or now - self._checked_at > max_age_s:
            await current_epoch(self._uow)
            since = self._uow.clock.now() - SUSPECT_FOR
            rows = await self._uow.pool.fetch(sql("lost_times"), since)
            self._times = [(row["after"], row["before"]) for row in rows]
            self._checked_at = now

    def is_suspect(self, recorded_at: datetime) -> bool:
        """Return whether an event that was written then, and is missing from the journal, may have been lost."""
        return any(after < recorded_at < before for after, before in self._times)
