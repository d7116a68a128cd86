"""Tasks that wait for the clock, and since when each of them has been at work."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

from dispatch.clock import Clock


class ClockedTasks:
    """Tasks that wait for the clock with `sleep`; between two waits they are at work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[asyncio.Task[Any], datetime] = {}

    def __len__(self) -> int:
        return len(self._since)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run work in a task, which is at work from now on."""
        task = asyncio.create_task(work)
        self._since[task] = self._clock.now()
        task.add_done_callback(lambda done: self._since.pop(done, None))

    async def sleep(self, seconds: float) -> None:
        """Let the current task wait for so many seconds of the clock."""
        task, until = asyncio.current_task(), self._clock.now() + timedelta(seconds=seconds)
        if task in self._since:
            self._since[task] = until
        await self._clock.sleep(seconds)

    def working_since(self) -> datetime | None:
        """Return since when the task that has been at work for longest has been so; None where all wait."""
        now = self._clock.now()
        return min((since for since in self._since.values() if since <= now), default=None)

    def next_start(self) -> datetime | None:
        """Return when the next task that waits starts to work."""
        now = self._clock.now()
        return min((since for since in self._since.values() if since > now), default=None)

    async def stop(self) -> None:
        """Cancel all tasks."""
        tasks = list(self._since)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
