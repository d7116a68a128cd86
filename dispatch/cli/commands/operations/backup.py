"""`dispatch backup`: take and list backups of the embedded database, and prove by a drill that they restore it."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import TypeVar

from cyclopts import App
from rich.text import Text

from dispatch.cli.addresses import read_addresses
from dispatch.cli.connection import run
from dispatch.cli.output import Json, errors, fail, print_json, problem, screen, table
from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings
from dispatch.embedded import EmbeddedServiceError
from dispatch.embedded import backup_drill as drills
from dispatch.embedded.backup_folder import base_backups
from dispatch.embedded.backup_schedule import BackupSchedule
from dispatch.services.core.unit_of_work import UnitOfWork

T = TypeVar("T")

backup = App(name="backup", help="Back up the embedded database, and test the backup.")
STATES = {True: Text("holds", "green"), False: Text("fails", "red"), None: Text("")}


@backup.command
def take(folder: Path | None = None, *, json: Json = False) -> None:
    """Back up the running embedded database, verify the backup, and delete those older than a week.

    Example: dispatch backup take /mnt/backup

    Parameters
    ----------
    folder
        The folder of backups. Default: DISPATCH_BACKUP.
    """
    with errors.status("backing up"):
        base = _run(folder, lambda _, schedule: schedule.back_up_now())
    if json:
        print_json({"folder": base.folder, "ended_at": base.ended_at})
    else:
        screen.print("[green]backed up[/]", str(base.folder), soft_wrap=True)


@backup.command(name="list")
def list_backups(folder: Path | None = None, *, json: Json = False) -> None:
    """List the backups that can be restored, the oldest first.

    Example: dispatch backup list

    Parameters
    ----------
    folder
        The folder of backups. Default: DISPATCH_BACKUP.
    """
    rows = [
        {"whole_at": base.ended_at.astimezone(UTC), "folder": base.folder}
        for base in base_backups(folder_of(Settings(), folder), problem)
    ]
    if json:
        print_json(rows)
    else:
        screen.print(table("backups", ("whole_at", "folder"), (list(row.values()) for row in rows)))


@backup.command
def drill(folder: Path | None = None, *, json: Json = False) -> None:
    """Take a backup, restore it in a temporary folder to a point in time, and compare; exit 1 if it differs.

    The running installation is not interrupted.

    Example: dispatch backup drill

    Parameters
    ----------
    folder
        The folder of backups. Default: DISPATCH_BACKUP.
    """
    with errors.status("backing up") as status:
        checks = _run(folder, lambda uow, schedule: drills.drill(uow, schedule, status.update))
    if json:
        print_json([check._asdict() for check in checks])
    else:
        rows = ((check.what, check.found, STATES[check.holds]) for check in checks)
        screen.print(table("drill of the backup", ("what", "found", ""), rows))
    if any(check.holds is False for check in checks):
        fail("the restored database differs: keep the original, and report this to us")


def folder_of(settings: Settings, given: Path | None) -> Path:
    """Return the folder of backups; raises MisuseError if none is named."""
    folder = given.expanduser().absolute() if given else settings.backups
    if folder is None:
        raise MisuseError("no folder is known: name one, or set DISPATCH_BACKUP as for `dispatch up`")
    return folder


def _run(folder: Path | None, work: Callable[[UnitOfWork, BackupSchedule], Awaitable[T]]) -> T:
    """Run one command on the backups of the running embedded database."""
    settings = Settings()
    backups, known = folder_of(settings, folder), read_addresses(settings).postgres.get_secret_value()
    if settings.postgres.get_secret_value():
        raise MisuseError("this is for the embedded database; for yours see Backups in docs/operating.md")
    schedule = BackupSchedule(backups, settings.folder, known, Clock())

    async def checked(uow: UnitOfWork) -> T:
        try:
            return await work(uow, schedule)
        except OSError as error:
            if error.filename is None:
                raise
            raise MisuseError(
                f"{error.filename}: {error.strerror}; name a folder that can be written"
            ) from error

    try:
        return run(checked, settings)
    except EmbeddedServiceError as error:
        fail(str(error))
