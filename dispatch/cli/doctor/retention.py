"""`dispatch doctor` on retention: whether expired rows are erased in time."""

from datetime import timedelta

from dispatch.cli.doctor.finding import Finding
from dispatch.domain.retention import EXPIRING
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import retention

LATE = timedelta(days=1)
"""The age from which on the last run is too long ago."""
AUDITOR = "is a process with the role auditor running?"


async def examine(uow: UnitOfWork) -> Finding:
    """Check that every table whose rows expire was cleaned within a day."""
    runs = await retention.last_runs(uow)
    missing = sorted({rule.name for rule in EXPIRING} - runs.keys())
    if missing:
        return Finding("retention", "warn", f"never ran for {', '.join(missing)}: {AUDITOR}")
    oldest = min(run.ran_at for run in runs.values())
    when = f"last ran at {oldest:%Y-%m-%d %H:%M} UTC"
    if uow.clock.now() - oldest > LATE:
        return Finding("retention", "warn", f"{when}: {AUDITOR}")
    return Finding("retention", "ok", when)
