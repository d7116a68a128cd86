"""What the doctor asks about keeping: is what is over erased, is the database copied, and did it ever come back."""

from datetime import timedelta

from dispatch.cli.doctor.finding import Finding
from dispatch.config import Settings
from dispatch.domain.retention import EXPIRING
from dispatch.embedded.backup_folder import bases
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import retention
from dispatch.storage.queries import sql

UNKEPT = timedelta(days=1)
"""How long ago the keeper may have run."""
UNPROVEN = timedelta(days=31)
"""How long ago a drill may have proven the backup."""
AUDITOR = "is an auditor running?"
UP = "see the log of `dispatch up`"


async def examine(uow: UnitOfWork) -> list[Finding]:
    """Look at what is erased, and at the backup where the database is the embedded one."""
    settings = Settings()
    found = [await _retention(uow)]
    return found if settings.postgres.get_secret_value() else [*found, await _backup(uow, settings)]


async def _retention(uow: UnitOfWork) -> Finding:
    runs = await retention.last_runs(uow)
    missing = sorted({rule.name for rule in EXPIRING} - runs.keys())
    if missing:
        return Finding("retention", "warn", f"nothing was erased yet of {', '.join(missing)}: {AUDITOR}")
    oldest = min(run.ran_at for run in runs.values())
    when = f"last ran at {oldest:%Y-%m-%d %H:%M} UTC"
    if uow.clock.now() - oldest > UNKEPT:
        return Finding("retention", "warn", f"{when}: {AUDITOR}")
    return Finding("retention", "ok", when)


async def _backup(uow: UnitOfWork, settings: Settings) -> Finding:
    if settings.backups is None:
        return Finding("backup", "warn", "nothing is copied elsewhere: set DISPATCH_BACKUP for `dispatch up`")
    if not (found := bases(settings.backups)):
        return Finding("backup", "fail", f"{settings.backups} holds none: {UP}")
    if not await uow.pool.fetchval(sql("log_is_copied"), 0):
        return Finding("backup", "fail", f"the log is not copied: {UP}")
    last, proof = found[-1].ended_at, await uow.pool.fetchval(sql("last_proof"))
    if proof is None or uow.clock.now() - proof > UNPROVEN:
        return Finding("backup", "warn", "not proven for a month: dispatch backup drill")
    return Finding(
        "backup", "ok", f"whole at {last:%Y-%m-%d %H:%M} UTC, proven at {proof:%Y-%m-%d %H:%M} UTC"
    )
