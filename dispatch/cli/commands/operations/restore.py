"""`dispatch restore`: restore the embedded database from a backup, to a point in time."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import asyncpg
import uvloop

from dispatch.cli.commands.operations.backup import folder_of
from dispatch.cli.output import Json, errors, fail, print_json, problem, screen
from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings
from dispatch.domain.counting import counted
from dispatch.embedded import EmbeddedServiceError
from dispatch.embedded.backup_folder import SECRET, BaseBackup, latest_backup
from dispatch.embedded.recovery import restored, segments
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.services.operations import backup_status, journal_verification, rebuilding
from dispatch.services.subscriptions import READERS
from dispatch.storage.pool import ConnectionLostError, describe, open_pool

UNREADABLE = (
    asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionLostError, LookupError, TypeError, ValueError,
)  # fmt: skip


class Restored(NamedTuple):
    """What was restored, and the problems that the checks found."""

    base: Path
    incidents: int
    events: int
    last_event: datetime | None
    problems: list[str]


def restore(folder: Path | None = None, *, until: datetime | None = None, json: Json = False) -> None:
    """Restore the embedded database into DISPATCH_DATA, which must not hold one, and check it.

    Then start `dispatch up`: its broker is empty, and receives again the events that its readers have not handled.

    Example: dispatch restore /mnt/backup --until 2026-11-27T14:05:00Z

    Parameters
    ----------
    folder
        The folder of backups. Default: DISPATCH_BACKUP.
    until
        The point in time to restore, with its time zone or in UTC. Default: the end of what was copied.
    """
    settings = Settings()
    if settings.postgres.get_secret_value():
        raise MisuseError("this is for the embedded database; for yours see Backups in docs/operating.md")
    moment = until.replace(tzinfo=until.tzinfo or UTC) if until else None
    try:
        base = latest_backup(folder_of(settings, folder), moment, problem)
        with errors.status("restoring"), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            back = runner.run(_restore(base, settings.folder, moment))
    except EmbeddedServiceError as error:
        fail(f"{error}\nnothing was restored")
    if json:
        print_json(back._asdict())
    else:
        _print(back)
    for text in back.problems:
        problem(text)
    if back.problems:
        fail("the restored database has problems: restore an earlier point in time elsewhere, and compare")


def _print(back: Restored) -> None:
    last = f", the last of {back.last_event:%Y-%m-%d %H:%M:%S} UTC" if back.last_event else ""
    screen.print(f"from {back.base}", soft_wrap=True)
    screen.print(f"{counted(back.incidents, 'incident')}, {counted(back.events, 'event')}{last}")
    if not back.problems:
        screen.print("[green]The journal is intact, and the tables agree with it.[/] Now: dispatch up")


async def _restore(base: BaseBackup, data: Path, until: datetime | None) -> Restored:
    if not segments(base):
        problem(
            f"{base.wal} holds no write-ahead log: only the state of {base.ended_at:%Y-%m-%d %H:%M:%S} UTC is restored"
        )
    laid_out = data / "postgres" / "postgres"
    try:
        async with restored(base, data / "postgres", until, Clock().now()) as server:
            back = await _examine_at(server.url(), base)
    except UNREADABLE as error:
        shutil.rmtree(laid_out, ignore_errors=True)
        raise EmbeddedServiceError(
            f"{base.folder} was restored, but cannot be read: {describe(error)}\n{laid_out} was removed again"
        ) from error
    if not (data / SECRET).exists() and (base.folder / SECRET).exists():
        shutil.copy2(base.folder / SECRET, data / SECRET)
    return back


async def _examine_at(url: str, base: BaseBackup) -> Restored:
    pool = await open_pool(url, application="renfort-restore", size=2)
    try:
        return await _examine(UnitOfWork(pool, Clock()), base)
    finally:
        pool.terminate()


async def _examine(uow: UnitOfWork, base: BaseBackup) -> Restored:
    await uow.clock.sample(uow.pool)
    await current_epoch(uow)
    there = await backup_status.row_counts(uow)
    breaks = (await journal_verification.verify(uow, READERS)).breaks
    problems = [f"stream {place.stream}, event {place.seq}: {place.what}" for place in breaks]
    problems += await rebuilding.compare(uow)
    last = await backup_status.last_event_at(uow)
    return Restored(base.folder, there["incidents"], there["events"], last, problems)
