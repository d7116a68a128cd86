"""`dispatch retention`: show the retention rules and what they will erase, and erase it now."""

from collections.abc import Mapping

from cyclopts import App

from dispatch.cli.connection import run
from dispatch.cli.output import Json, errors, print_json, screen, table
from dispatch.config import Settings
from dispatch.domain.retention import RULES, RetentionRule
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import retention as service
from dispatch.services.operations.retention import ROWS_PER_TRANSACTION, Run

retention = App(name="retention", help="Show how long data are stored, and erase expired rows.")


@retention.command
def show(*, json: Json = False) -> None:
    """Show what is stored, how long and why, how many rows have expired, and when the last run was.

    Example: dispatch retention show
    """
    days_by_table = Settings().retention_days

    async def work(uow: UnitOfWork) -> tuple[dict[str, int], dict[str, Run]]:
        return await service.erase(uow, days_by_table, dry=True), await service.last_runs(uow)

    due, runs = run(work)
    rows = [_row(rule, days_by_table, due, runs.get(rule.name)) for rule in RULES]
    if json:
        print_json(rows)
        return
    columns = ("tables", "days", "since", "due", "last_run", "erased")
    screen.print(table("retention", columns, ([row[column] for column in columns] for row in rows)))


def _row(
    rule: RetentionRule, days_by_table: Mapping[str, int], due: Mapping[str, int], last: Run | None
) -> dict[str, object]:
    return {
        "tables": rule.tables,
        "holds": rule.holds,
        "days": days_by_table.get(rule.name),
        "since": rule.since,
        "ground": rule.ground,
        "due": due.get(rule.name),
        "last_run": last.ran_at if last else None,
        "erased": last.total if last else None,
    }


@retention.command(name="run")
def erase(*, dry_run: bool = False, json: Json = False) -> None:
    """Erase expired rows now, as the role `auditor` does every hour.

    Example: dispatch retention run --dry-run

    Parameters
    ----------
    dry_run
        Erase nothing; count what would be erased, up to a thousand rows of each table.
    """
    days_by_table = Settings().retention_days
    with errors.status("erasing") as status:

        def show_table(name: str) -> None:
            status.update(f"erasing: {name}")

        erased = run(lambda uow: service.erase(uow, days_by_table, on_table=show_table, dry=dry_run))
    if json:
        print_json({"would_erase" if dry_run else "erased": erased})
        return
    title, most = ("would erase", ROWS_PER_TRANSACTION) if dry_run else ("erased", None)
    rows = ((name, f"{count} or more" if count == most else count) for name, count in erased.items())
    screen.print(table(title, ("table", "rows"), rows))
