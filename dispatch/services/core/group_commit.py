"""Group commit: items that arrive within a few milliseconds are committed together; each caller gets its own result."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from dispatch.services.core.errors import OverloadedError

Item = TypeVar("Item")
Result = TypeVar("Result")
Commit = Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]]
"""Commits items in one transaction; returns the result of each, or the error by which it alone is rejected."""

LARGEST = 100
"""The most items in one transaction."""
MOST_RUNNING = 4
"""The most groups that are committed at the same time."""
PATIENCE_S = 0.05
"""The next group starts after so long, even if this one is not committed yet."""
STALLED_S = 1.0
"""A group that is not committed after so long is rolled back: one of its items may wait for a lock."""
MOST_WAITING = 4_000
"""More items than can be committed before the requests that brought them reach their deadline."""
RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True, eq=False)
class Submitted(Generic[Item, Result]):
    """An item in the queue; its caller waits for the result."""

    item: Item
    result: "asyncio.Future[Result]"
    since: float = field(default_factory=time.monotonic)

    def resolve(self, outcome: Result | Exception) -> None:
        """Return the outcome to the caller, or raise it there, unless the caller was cancelled."""
        if self.result.done():
            return
        if isinstance(outcome, Exception):
            self.result.set_exception(outcome)
        else:
            self.result.set_result(outcome)


class GroupCommit(Generic[Item, Result]):
    """Collects items for `window_s` seconds, and while the group before is committed, then commits them together.

    Where a group fails, nothing of it is committed, and each of its items is committed alone: one bad item fails no
    other. A caller that is cancelled leaves the queue; a commit that has started goes on.
    """

    def __init__(self, commit: Commit[Item, Result], *, window_s: float) -> None:
        """Collect for `window_s` seconds before each group."""
        self._commit = commit
        self._window_s = window_s
        self._queue: deque[Submitted[Item, Result]] = deque()
        self._turns = asyncio.Semaphore(MOST_RUNNING)
        self._collecting = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waited_s(self) -> float:
        """Return for how many seconds the oldest item has waited for its group to start."""
        return time.monotonic() - self._queue[0].since if self._queue else 0.0

    async def submit(self, item: Item) -> Result:
        """Return the result of an item after its commit; raises its error, or OverloadedError where too many wait."""
        if len(self._queue) >= MOST_WAITING:
            raise OverloadedError(RETRY_AFTER_S)
        submitted: Submitted[Item, Result] = Submitted(item, asyncio.get_running_loop().create_future())
        self._queue.append(submitted)
        if not self._collecting:
            self._collecting = True
            self._start(self._collect())
        return await submitted.result

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _collect(self) -> None:
        """Start one group after another until no item waits."""
        try:
            while self._queue:
                if len(self._queue) < LARGEST:
                    await asyncio.sleep(self._window_s)
                await self._turns.acquire()
                group = self._start(self._run(self._take()))
                await asyncio.wait({group}, timeout=PATIENCE_S)
        finally:
            self._collecting = False

    def _take(self) -> list[Submitted[Item, Result]]:
        group: list[Submitted[Item, Result]] = []
        while self._queue and len(group) < LARGEST:
            submitted = self._queue.popleft()
            if not submitted.result.done():
                group.append(submitted)
        return group

    async def _run(self, group: Sequence[Submitted[Item, Result]]) -> None:
        try:
            if len(group) > 1 and await self._together(group):
                return
            await asyncio.gather(*map(self._alone, group))
        finally:
            self._turns.release()

    async def _together(self, group: Sequence[Submitted[Item, Result]]) -> bool:
        """Commit a group; return whether that succeeded."""
        try:
            async with asyncio.timeout(STALLED_S):
                outcomes = await self._commit([submitted.item for submitted in group])
        except Exception:  # noqa: BLE001 - each item is committed alone, and raises its own error
            return False
        for submitted, outcome in zip(group, outcomes, strict=True):
            submitted.resolve(outcome)
        return True

    async def _alone(self, submitted: Submitted[Item, Result]) -> None:
        try:
            (outcome,) = await self._commit([submitted.item])
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            submitted.resolve(error)
        else:
            submitted.resolve(outcome)
