"""`dispatch doctor` on the backup of the embedded database: whether one exists, is current, and was restored."""

from datetime import timedelta

from dispatch.cli.doctor.finding import Finding
from dispatch.config import Settings
from dispatch.embedded.backup_folder import base_backups
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.backup_status import last_proven, wal_is_copied

UNPROVEN = timedelta(days=31)
"""The age from which on the last successful drill is too long ago."""
UP = "see the log of `dispatch up`"


async def examine(uow: UnitOfWork, settings: Settings) -> Finding:
    """Check the base backups, the copy of the write-ahead log, and the last drill."""
    if settings.backups is None:
        return Finding("backup", "warn", "nothing is copied elsewhere: set DISPATCH_BACKUP for `dispatch up`")
    if not (found := base_backups(settings.backups)):
        return Finding("backup", "fail", f"{settings.backups} holds no backup: {UP}")
    if not await wal_is_copied(uow.pool):
        return Finding("backup", "fail", f"the write-ahead log is not copied: {UP}")
    proven = await last_proven(uow.pool)
    if proven is None or uow.clock.now() - proven > UNPROVEN:
        return Finding("backup", "warn", "no successful drill for a month: dispatch backup drill")
    taken = f"taken at {found[-1].ended_at:%Y-%m-%d %H:%M} UTC"
    return Finding("backup", "ok", f"{taken}, proven by a drill at {proven:%Y-%m-%d %H:%M} UTC")
