"""Imports of large files in a process of their own: parsing and comparing one would stop the loop for seconds.

A thread is not enough: a garbage collection of 100,000 lines, or one cell of 8 MiB, stops all threads of a process.
"""

import asyncio
import os
import pickle
import sys
from datetime import datetime
from typing import NamedTuple, cast

from dispatch.clock import Clock
from dispatch.services.core.error_classification import TRANSIENT
from dispatch.services.core.errors import SenderError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.roster_import import ImportOrder, ImportSummary, import_sheet
from dispatch.storage import write_generation
from dispatch.storage.pool import FairPool, open_pool

LARGE = 64 * 1024
"""From so many bytes on a file gets a process: starting one costs a second of CPU."""


class Task(NamedTuple):
    """What the process is told: on its standard input, since the address of the database holds a password."""

    dsn: str
    now: datetime
    generation: int
    order: ImportOrder


class RosterImporter:
    """Imports files, at most one large one at a time."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._turn = asyncio.Lock()

    async def run(self, order: ImportOrder) -> ImportSummary:
        """Import a file as `import_sheet` does; where the caller is cancelled, nothing is written."""
        if len(order.sheet) < LARGE:
            return await import_sheet(self._uow, order)
        dsn = cast("FairPool", self._uow.pool).dsn
        async with self._turn:
            task = Task(dsn, self._uow.clock.now(), write_generation.current, order)
            summary = await _run_apart(task)
        self._uow.wake()
        return summary


async def _run_apart(task: Task) -> ImportSummary:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate(pickle.dumps(task))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not said:
        raise ChildProcessError(
            "the process of an import ended without a result: see what it wrote on stderr"
        )
    result: ImportSummary | Exception = pickle.loads(said)  # noqa: S301 - from our own process
    if isinstance(result, Exception):
        raise result
    return result


async def _work(task: Task) -> ImportSummary | Exception:
    """Return the result of an import, or the error that its caller can answer."""
    write_generation.limit(task.generation)
    pool = await open_pool(task.dsn, application="renfort-import", size=2)
    try:
        return await import_sheet(UnitOfWork(pool, Clock(task.now)), task.order)
    except SenderError as error:
        return error
    except TRANSIENT as error:
        return error
    finally:
        pool.terminate()


def main() -> None:
    """Read the task from standard input, and write the result on what was standard output: logs go to stderr."""
    out = os.dup(1)
    os.dup2(2, 1)
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
    with os.fdopen(out, "wb") as results:
        pickle.dump(asyncio.run(_work(task)), results)


if __name__ == "__main__":
    main()
