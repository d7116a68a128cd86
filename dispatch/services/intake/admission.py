"""Whether a report may come in now: while too much waits inside, what is least severe waits outside."""

from collections import deque
from datetime import datetime, timedelta

import asyncpg

from dispatch.services.core.errors import OverloadedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql
from schemas.base import Severity

REFUSABLE: Severity = "routine"
"""Everything else is always taken in."""
PATIENCE = timedelta(seconds=0.5)
"""How long what was accepted may wait before it counts as a backlog: the severe stand in that queue too."""
HORIZON = timedelta(minutes=1)
"""What waits for longer waits for something else: it was parked, or set aside."""
SLOW_S = 1.0
SLOW_TOGETHER, WITHIN_S = 2, 1.0
"""How long a request may take to get as far as here, and how many in a row, together, say that this process is slow.

Those behind them wait as long, the severe among them. One alone may have a slow line.
"""
MOST, FEW = 20, 10
"""How many may wait too long before routine reports are refused, and until they are taken again."""
LOOK_EVERY = timedelta(seconds=0.25)
RETRY_AFTER_S = 5
SPREAD_S = 10
"""Those who are refused together do not come again together."""


class Admission:
    """The door of one process; it looks at the backlog a few times in a second, however much comes in."""

    def __init__(self, uow: UnitOfWork) -> None:
        """Begin open."""
        self._uow = uow
        self._closed = False
        self._look_at: datetime | None = None
        self._slow_until: datetime | None = None
        self._refused = 0
        self._latest: deque[tuple[datetime, float]] = deque(maxlen=SLOW_TOGETHER)

    def notice(self, waited_s: float) -> None:
        """Take note of how long a request has waited for its turn in this very process."""
        now = self._uow.clock.now()
        self._latest.append((now, waited_s))
        together = len(self._latest) == SLOW_TOGETHER and now - self._latest[0][0] < timedelta(
            seconds=WITHIN_S
        )
        if together and all(waited > SLOW_S for _, waited in self._latest):
            self._slow_until = now + LOOK_EVERY

    async def admit(self, severity: Severity) -> None:
        """Raise OverloadedError where a report of this severity has to wait outside."""
        if severity == REFUSABLE and await self._is_closed():
            self._refused += 1
            raise OverloadedError(RETRY_AFTER_S + self._refused % SPREAD_S)

    async def _is_closed(self) -> bool:
        now = self._uow.clock.now()
        if self._slow_until is not None and now < self._slow_until:
            return True
        if self._look_at is None or now >= self._look_at:
            # Before the look: those who come meanwhile go by the last one.
            self._look_at = now + LOOK_EVERY
            waiting = await count_backlog(self._uow.pool, now, MOST)
            self._closed = waiting >= (FEW if self._closed else MOST)
        return self._closed


async def count_backlog(pool: asyncpg.Pool, now: datetime, most: int) -> int:
    """Count the reports that have waited too long for their turn, up to `most`."""
    return int(await pool.fetchval(sql("count_backlog"), now - HORIZON, now - PATIENCE, most))
