"""The drill of the backup: bring the database back as it was at a moment, beside the one that runs, and compare."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedServiceError
from dispatch.embedded.backup_folder import Base
from dispatch.embedded.backup_schedule import Backing
from dispatch.embedded.recovery import restored
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import journal_verification, rebuilding
from dispatch.services.operations.backup_drill import (
    record_result,
    record_start,
    row_counts,
    wal_is_copied,
    wal_position,
)
from dispatch.services.subscriptions import READERS
from dispatch.storage.database_clock import database_time
from dispatch.storage.pool import open_pool

COPY_PATIENCE_S = 30.0

Tell = Callable[[str], None]


class Check(NamedTuple):
    """One thing that the drill looked at, and whether it is as it must be; None where it is only told."""

    what: str
    found: str
    holds: bool | None


class Moment(NamedTuple):
    """The moment to bring back, and how much there was just before and just after."""

    at: datetime
    before: dict[str, int]
    after: dict[str, int]


async def drill(uow: UnitOfWork, backing: Backing, tell: Tell) -> list[Check]:
    """Take a backup, note a moment, bring that back elsewhere, and compare; the original runs on."""
    began = _seconds()
    tell("backing up")
    base = await backing.take()
    copied = _seconds()
    moment = await _moment(uow)
    await record_start(uow, moment.at)
    tell("waiting for the log")
    lag = await _until_copied(uow)
    tell("restoring")
    checks = [
        Check("backup", f"{copied - began:.1f} s, {base.folder}", None),
        Check("lost if the disk died", f"the last {lag:.2f} s", None),
        *await _bring_back(base, moment, tell),
    ]
    proven = all(check.holds is not False for check in checks)
    await record_result(uow, moment.at, _seconds() - began, proven=proven)
    return checks


async def _moment(uow: UnitOfWork) -> Moment:
    before = await row_counts(uow)
    # Not the estimated clock, which may run ahead of the commit that follows.
    at = await database_time(uow.pool)
    return Moment(at, before, await row_counts(uow))


async def _until_copied(uow: UnitOfWork) -> float:
    """Wait until all that is committed now is copied elsewhere; return how many seconds that took."""
    position, began = await wal_position(uow), _seconds()
    while not await wal_is_copied(uow.pool, position):
        if _seconds() - began > COPY_PATIENCE_S:
            raise EmbeddedServiceError(
                f"the log was not copied within {COPY_PATIENCE_S:.0f} s: does `dispatch up` run with DISPATCH_BACKUP?"
            )
        await asyncio.sleep(0.01)
    return _seconds() - began


async def _bring_back(base: Base, moment: Moment, tell: Tell) -> list[Check]:
    began = _seconds()
    with TemporaryDirectory(prefix="renfort-drill-") as folder:
        async with (
            restored(base, Path(folder), moment.at, Clock().now(), fsync=False) as server,
            _uow(server.url()) as uow,
        ):
            took = Check(
                "restore", f"{_seconds() - began:.1f} s, to {moment.at:%Y-%m-%d %H:%M:%S.%f} UTC", None
            )
            tell("comparing")
            return [took, *[check async for check in _compare(uow, moment)]]


@asynccontextmanager
async def _uow(dsn: str) -> AsyncIterator[UnitOfWork]:
    pool = await open_pool(dsn, application="renfort-drill", size=2)
    try:
        yield UnitOfWork(pool, Clock())
    finally:
        pool.terminate()


async def _compare(uow: UnitOfWork, moment: Moment) -> AsyncIterator[Check]:
    for check in _counted(await row_counts(uow), moment):
        yield check
    breaks = (await journal_verification.prove(uow, READERS)).breaks
    yield Check("journal", f"{len(breaks)} breaks" if breaks else "whole", not breaks)
    different = await rebuilding.compare(uow)
    words = f"{len(different)} rows differ, first {different[0]}" if different else "as the journal says"
    yield Check("tables", words, not different)


def _counted(there: Mapping[str, int], moment: Moment) -> Iterator[Check]:
    """Compare the counts with those of the moment; what was under way then may or may not be in it."""
    for what, found in there.items():
        least, most = sorted((moment.before[what], moment.after[what]))
        wanted = f"{least}" if least == most else f"{least} to {most}"
        yield Check(what, f"{found} of {wanted}", least <= found <= most)


def _seconds() -> float:
    return asyncio.get_running_loop().time()
