"""The backup drill: restores a moment beside the running database, and compares the two."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from dispatch.clock import Clock
from dispatch.domain.counting import counted
from dispatch.embedded import EmbeddedServiceError
from dispatch.embedded.backup_folder import BaseBackup
from dispatch.embedded.backup_schedule import BackupSchedule
from dispatch.embedded.recovery import restored
from dispatch.services.core.event_loop import seconds
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import journal_verification, rebuilding
from dispatch.services.operations.backup_status import (
    record_result,
    record_start,
    row_counts,
    wal_is_copied,
    wal_position,
)
from dispatch.services.subscriptions import READERS
from dispatch.storage.database_clock import database_time
from dispatch.storage.pool import open_pool

COPY_TIMEOUT_S = 30.0

Progress = Callable[[str], None]


class DrillCheck(NamedTuple):
    """One result of the drill, and whether it is as expected; None where nothing is expected of it."""

    what: str
    found: str
    holds: bool | None


class RestorePoint(NamedTuple):
    """The moment to restore, and the row counts just before and just after it."""

    at: datetime
    before: dict[str, int]
    after: dict[str, int]


async def drill(uow: UnitOfWork, schedule: BackupSchedule, progress: Progress) -> list[DrillCheck]:
    """Take a backup, choose a moment, restore it elsewhere, and compare; the original runs on."""
    began = seconds()
    progress("backing up")
    base = await schedule.back_up_now()
    copied = seconds()
    point = await _restore_point(uow)
    await record_start(uow, point.at)
    progress("waiting for the WAL")
    lag = await _wait_until_copied(uow)
    progress("restoring")
    checks = [
        DrillCheck("backup", f"{copied - began:.1f} s, {base.folder}", None),
        DrillCheck("lost if the disk died", f"the last {lag:.2f} s", None),
        *await _restore(base, point, progress),
    ]
    proven = all(check.holds is not False for check in checks)
    await record_result(uow, point.at, seconds() - began, proven=proven)
    return checks


async def _restore_point(uow: UnitOfWork) -> RestorePoint:
    before = await row_counts(uow)
    # The database's clock, not the estimated one, which may run ahead of the commit that follows.
    at = await database_time(uow.pool)
    return RestorePoint(at, before, await row_counts(uow))


async def _wait_until_copied(uow: UnitOfWork) -> float:
    """Wait until everything committed so far is copied; return the seconds that it took."""
    position, began = await wal_position(uow), seconds()
    while not await wal_is_copied(uow.pool, position):
        if seconds() - began > COPY_TIMEOUT_S:
            raise EmbeddedServiceError(
                f"the WAL was not copied within {COPY_TIMEOUT_S:.0f} s: does `dispatch up` run with DISPATCH_BACKUP?"
            )
        await asyncio.sleep(0.01)
    return seconds() - began


async def _restore(base: BaseBackup, point: RestorePoint, progress: Progress) -> list[DrillCheck]:
    began = seconds()
    with TemporaryDirectory(prefix="renfort-drill-") as folder:
        async with (
            restored(base, Path(folder), point.at, Clock().now(), fsync=False) as server,
            _uow(server.url()) as uow,
        ):
            took = DrillCheck(
                "restore", f"{seconds() - began:.1f} s, to {point.at:%Y-%m-%d %H:%M:%S.%f} UTC", None
            )
            progress("comparing")
            return [took, *[check async for check in _compare(uow, point)]]


@asynccontextmanager
async def _uow(dsn: str) -> AsyncIterator[UnitOfWork]:
    pool = await open_pool(dsn, application="renfort-drill", size=2)
    try:
        yield UnitOfWork(pool, Clock())
    finally:
        pool.terminate()


async def _compare(uow: UnitOfWork, point: RestorePoint) -> AsyncIterator[DrillCheck]:
    for check in _compare_counts(await row_counts(uow), point):
        yield check
    breaks = (await journal_verification.verify(uow, READERS)).breaks
    yield DrillCheck("journal", counted(len(breaks), "break") if breaks else "whole", not breaks)
    differences = await rebuilding.compare(uow)
    words = (
        f"{counted(len(differences), 'row differs', 'rows differ')}, first {differences[0]}"
        if differences
        else "as the journal says"
    )
    yield DrillCheck("tables", words, not differences)


def _compare_counts(counts: Mapping[str, int], point: RestorePoint) -> Iterator[DrillCheck]:
    """Compare the counts with those around the moment: a transaction then may or may not be included."""
    for what, found in counts.items():
        least, most = sorted((point.before[what], point.after[what]))
        expected = f"{least}" if least == most else f"{least} to {most}"
        yield DrillCheck(what, f"{found} of {expected}", least <= found <= most)
