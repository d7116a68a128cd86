"""Admission control: while the backlog is too long, routine reports are rejected and may be sent again."""

from collections import deque
from datetime import datetime, timedelta

import asyncpg

from dispatch.services.core.errors import OverloadedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql
from schemas.base import Severity

REJECTABLE: Severity = "routine"
"""Reports of any other severity are always admitted."""
BACKLOG_AFTER = timedelta(seconds=0.5)
"""An accepted event that waits longer counts as backlog: severe events wait in the same queue."""
BACKLOG_WINDOW = timedelta(minutes=1)
"""An event that waits longer than this does not wait for its turn: it was parked, or its incident is deferred."""
CLOSE_AT, REOPEN_BELOW = 20, 10
"""The backlog at which routine reports are rejected, and the one below which they are admitted again."""
SLOW_S = 1.0
SLOW_IN_A_ROW, SLOW_WITHIN = 2, timedelta(seconds=1.0)
"""This process is slow when `SLOW_IN_A_ROW` requests, within `SLOW_WITHIN`, each waited longer than `SLOW_S`.

Later requests wait as long, severe ones among them. A single slow request may only have a slow connection.
"""
CHECK_INTERVAL = timedelta(seconds=0.25)
RETRY_AFTER_S = 5
RETRY_SPREAD_S = 10
"""Clients that are rejected together get different delays, so that they do not retry together."""


class Admission:
    """The admission controller of one process; reads the backlog at most once per `CHECK_INTERVAL`."""

    def __init__(self, uow: UnitOfWork) -> None:
        """Admit every report until the first check of the backlog."""
        self._uow = uow
        self._closed = False
        self._check_at: datetime | None = None
        self._slow_until: datetime | None = None
        self._rejected = 0
        self._latest: deque[tuple[datetime, float]] = deque(maxlen=SLOW_IN_A_ROW)

    def record_wait(self, waited_s: float) -> None:
        """Record how many seconds a request waited for its turn in this process."""
        now = self._uow.clock.now()
        self._latest.append((now, waited_s))
        in_a_row = len(self._latest) == SLOW_IN_A_ROW and now - self._latest[0][0] < SLOW_WITHIN
        if in_a_row and all(waited > SLOW_S for _, waited in self._latest):
            self._slow_until = now + CHECK_INTERVAL

    async def admit(self, severity: Severity) -> None:
        """Raise OverloadedError where a report of this severity is rejected now."""
        if severity == REJECTABLE and await self._is_closed():
            self._rejected += 1
            raise OverloadedError(RETRY_AFTER_S + self._rejected % RETRY_SPREAD_S)

    async def _is_closed(self) -> bool:
        now = self._uow.clock.now()
        if self._slow_until is not None and now < self._slow_until:
            return True
        if self._check_at is None or now >= self._check_at:
            # Set before the query: concurrent requests use the previous result.
            self._check_at = now + CHECK_INTERVAL
            waiting = await count_backlog(self._uow.pool, now, CLOSE_AT)
            self._closed = waiting >= (REOPEN_BELOW if self._closed else CLOSE_AT)
        return self._closed


async def count_backlog(pool: asyncpg.Pool, now: datetime, most: int) -> int:
    """Return how many reports and events have waited longer than `BACKLOG_AFTER`; stop counting at `most`."""
    return int(await pool.fetchval(sql("count_backlog"), now - BACKLOG_WINDOW, now - BACKLOG_AFTER, most))
