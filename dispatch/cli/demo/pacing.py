"""The pace of the demo's clock: from one due moment to the next, and never far ahead of work that is not done."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dispatch.cli.demo.clocked_tasks import ClockedTasks
from dispatch.clock import MovableClock
from dispatch.services.core.event_loop import seconds
from dispatch.services.operations.demo_backlog import Backlog

TICK_S = 5
"""The clock stands at multiples of so many seconds: what is due in between is done together, which costs less."""
AHEAD = timedelta(seconds=TICK_S)
"""How far the clock may run ahead of the oldest work that is not done; half of the people need 25 s to answer."""
JUMPED = timedelta(seconds=60)
"""A longer time in which nothing is due is jumped over."""
CHECK_EVERY_S = 0.05
STUCK_CHECKS = 5_000
"""After so many checks that find the same work the oldest, the clock no longer waits for it: it was lost."""
ASSUMPTIONS = [
    f"Clock: moments are rounded up to {TICK_S} seconds; times in which nothing is due are jumped over.",
]
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Pace:
    """Moves a clock to the next moment at which something is due, as soon as the work of earlier moments is done.

    The computer determines the pace, at most `speed` times life: a slow one takes longer and tells the same story.
    """

    clock: MovableClock
    tasks: ClockedTasks
    read: Callable[[datetime], Awaitable[Backlog]]
    wake: Callable[[], None]
    speed: float
    given_up: datetime = NEVER
    _oldest: datetime = NEVER
    _checks: int = field(default=0)
    _free_at: float = 0.0

    async def run(self, end: datetime) -> None:
        """Move the clock until nothing is left to be done, or until a moment."""
        while self.clock.now() < end:
            backlog = await self.read(self.clock.now())
            since = self._awaited(_earliest(backlog.since, self.tasks.working_since()))
            due = _earliest(backlog.next_due, self.tasks.next_start())
            if since is None and (due is None or not (backlog.open_incidents or len(self.tasks))):
                return
            if due is None or (since is not None and due - since > AHEAD):
                await asyncio.sleep(CHECK_EVERY_S)
                continue
            tick = _tick_of(due)
            await self._advance(tick)
            if backlog.next_due is not None and backlog.next_due <= tick:
                self.wake()

    def _awaited(self, since: datetime | None) -> datetime | None:
        """Return since when work waits; None where the clock has waited for it in vain."""
        if since is None or since <= self.given_up:
            return None
        self._checks = self._checks + 1 if since == self._oldest else 0
        self._oldest = since
        if self._checks >= STUCK_CHECKS:
            self.given_up = since
            return None
        return since

    async def _advance(self, due: datetime) -> None:
        """Move the clock; take as long as the speed demands, and no time for a jump."""
        step = due - self.clock.now()
        if step <= JUMPED:
            self._free_at = max(self._free_at, seconds()) + step.total_seconds() / self.speed
            await asyncio.sleep(self._free_at - seconds())
        self.clock.advance_to(due)


def _tick_of(moment: datetime) -> datetime:
    """Return the first tick that is not before a moment."""
    return datetime.fromtimestamp(math.ceil(moment.timestamp() / TICK_S) * TICK_S, UTC)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
