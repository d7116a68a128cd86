"""The checks that the demo runs on its own database at the end."""

from dataclasses import dataclass

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import demo_figures, rebuilding
from dispatch.storage import journal
from dispatch.storage.pool import transaction


@dataclass(frozen=True, slots=True)
class DemoCheck:
    """A rule that must hold, and what violates it."""

    rule: str
    violations: list[str]


async def run(uow: UnitOfWork, accepted: set[str]) -> list[DemoCheck]:
    """Check that nothing was lost or done twice; `accepted` are the ids of the reports that HTTP accepted."""
    async with transaction(uow.pool) as connection:
        breaks = await journal.verify(connection)
    stored = await demo_figures.report_ids(uow.pool)
    found = await demo_figures.violations(uow.pool)
    return [
        DemoCheck("every accepted report is stored", sorted(accepted - stored)),
        DemoCheck("every report has exactly one incident", found.lost_reports),
        DemoCheck("no seat was filled twice", found.doubly_filled_seats),
        DemoCheck("nobody had two live offers in a lane", found.doubly_asked_volunteers),
        DemoCheck("the journal's hash chain is unbroken", [f"{b.stream} {b.seq}: {b.what}" for b in breaks]),
        DemoCheck("the tables equal the journal", await rebuilding.compare(uow)),
    ]
