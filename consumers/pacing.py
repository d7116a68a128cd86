"""The pace of fetches from the embedded broker, on which a fetch that waits for records is expensive.

It reads its partitions again and again while a fetch waits, and does not end it when a record arrives. So a fetch
hardly waits there: the next one is sent when records were published, and else now and then.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatch.services.core.event_loop import seconds, wait_for

BUSY_FOR_S = 1.0
"""How long after records, or a call to `wake`, fetches are sent at the shorter interval."""


@dataclass(frozen=True, slots=True)
class FetchIntervals:
    """The seconds between fetches that find nothing: while there were records recently, and else."""

    busy_s: float
    idle_s: Callable[[], float]


@dataclass(slots=True)
class FetchPacing:
    """Decides when one consumer sends its next fetch; the first one of an assignment is sent at once."""

    intervals: FetchIntervals
    _found: bool = True
    _busy_until: float = 0.0
    _assignment: object = None
    _wakened: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Send the next fetch now: records were published, or another position is to be read."""
        self._busy_until = seconds() + BUSY_FOR_S
        self._wakened.set()

    async def turn(self, assignment: object) -> None:
        """Wait until the next fetch should be sent: not at all after one that found records."""
        if assignment is self._assignment and not self._found:
            await wait_for(self._wakened, self._interval())
        self._assignment = assignment
        self._wakened.clear()

    def record(self, *, found: bool) -> None:
        """Record whether a fetch found records."""
        self._found = found
        if found:
            self._busy_until = seconds() + BUSY_FOR_S

    def _interval(self) -> float:
        busy = seconds() < self._busy_until
        return self.intervals.busy_s if busy else max(self.intervals.busy_s, self.intervals.idle_s())
