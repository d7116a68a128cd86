"""The checks that the demo runs on itself."""

from dataclasses import dataclass
from statistics import median, quantiles

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import demo_figures, rebuilding
from dispatch.storage import journal
from dispatch.storage.pool import transaction

NINETIETH = 9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and what was found instead."""

    rule: str
    broken: list[str]


async def run(uow: UnitOfWork, accepted: set[str]) -> list[Check]:
    """Check that nothing was lost and nothing done twice; `accepted` are the reports that HTTP said yes to."""
    async with transaction(uow.pool) as connection:
        breaks = await journal.verify(connection)
    known = await demo_figures.report_ids(uow.pool)
    found = await demo_figures.violations(uow.pool)
    return [
        Check("every accepted report is kept", sorted(accepted - known)),
        Check("every report has exactly one incident", found.lost_reports),
        Check("every incident was covered or handed over", found.neglected_incidents),
        Check("no seat was filled twice", found.doubly_filled_seats),
        Check("nobody had two live offers in a lane", found.doubly_asked_volunteers),
        Check("the journal's chain is whole", [f"{b.stream} {b.seq}: {b.what}" for b in breaks]),
        Check("the tables equal the journal", await rebuilding.compare(uow)),
    ]


def middle_and_ninetieth(seconds: list[float]) -> str:
    """Give the median and the 90th percentile of some seconds, in words."""
    if not seconds:
        return "none"
    if len(seconds) == 1:
        return f"{seconds[0]:.0f} s"
    return f"median {median(seconds):.0f} s, p90 {quantiles(seconds, n=10)[NINETIETH - 1]:.0f} s"
