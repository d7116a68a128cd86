"""`dispatch volunteers`: import a roster and list it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from dispatch.cli.commands.roster_output import print_changes, print_problems, print_result
from dispatch.cli.connection import run
from dispatch.cli.csv_files import read_text
from dispatch.cli.output import (
    Json,
    Whose,
    fail,
    organisation_of,
    print_json,
    progress,
    screen,
    table,
)
from dispatch.config import Settings
from dispatch.domain.counting import counted
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import roster_import
from dispatch.services.people import volunteers as roster
from dispatch.services.people.roster_import import RosterImport
from dispatch.services.plans.plan_files import PlanBook, PlansError, load
from schemas.ids import short

VOLUNTEERS_PER_CHUNK = 500
"""Volunteers in one page."""

volunteers = App(name="volunteers", help="Import and list volunteers.")


@volunteers.command(name="import")
def import_(
    file: Path,
    *,
    organisation: Whose = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    sync: Annotated[bool, Parameter(negative="")] = False,
    yes: Annotated[bool, Parameter(negative="")] = False,
    ignore: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    json: Json = False,
) -> None:
    """Put the volunteers of a CSV file on the roster; invalid lines are reported, all others are imported, or none.

    The first line names the columns: name,phone,language,skills,lat,lon,birth_date,consent,availability, or in French;
    `station` names the station of a member. A phone number that is already on the roster is the same person, of whom
    only what the columns say is changed. An empty cell changes nothing, but for skills and consent, where it means
    none. A skill may end: first_aid:2027-05-31.

    Example: dispatch volunteers import roster.csv --organisation "SDIS 67"

    Example: dispatch volunteers import roster.csv --sync --dry-run --ignore Adresse Remarques

    Parameters
    ----------
    file
        The CSV file, separated by commas, semicolons or tabs.
    dry_run
        Print what would change, and change nothing.
    sync
        Also take the people off the roster who are not in the file.
    yes
        Import although more than a tenth of the roster would leave, or lose all skills, consents or their names.
    ignore
        Columns to leave out.
    """
    text = read_text(file)
    prepared = run(
        lambda uow: _import(uow, organisation, text, ignore or (), sync=sync, yes=yes, dry=dry_run)
    )
    print_problems(file, prepared)
    if json:
        print_result(prepared, dry=dry_run)
    else:
        print_changes(prepared, dry=dry_run)
        on = "would be on" if dry_run else "on"
        screen.print(f"[green]{counted(prepared.people, 'volunteer')}[/] {on} the roster.")
    if prepared.problems:
        fail(f"left out: {counted(prepared.left_out, 'line')}")


async def _import(
    uow: UnitOfWork, name: str | None, text: str, ignored: Sequence[str], *, sync: bool, yes: bool, dry: bool
) -> RosterImport:
    organisation = await organisation_of(uow, name)
    with progress() as shown:
        reading = shown.add_task("lines", total=text.count("\n") or text.count("\r"))
        prepared = await roster_import.examine(
            uow, organisation, text, sync=sync, ignored=ignored, book=_book(),
            progress=lambda done: shown.update(reading, completed=done),
        )  # fmt: skip
        if not dry:
            writing = shown.add_task("volunteers", total=len(prepared.changes.entries))
            await roster_import.apply(
                uow, prepared, confirmed=yes, progress=lambda done: shown.update(writing, completed=done)
            )
    return prepared


def _book() -> PlanBook | None:
    """Return the plans, whose skills are compared; `dispatch plans check` tells why there are none."""
    try:
        return load(Settings().plans)
    except PlansError:
        return None


LISTED = {
    "name": "name", "phone": "phone", "language": "language", "skills": "skills", "availability": "availability",
    "consent": "consent", "stopped_at": "STOP since", "failing_since": "unreached since",
}  # fmt: skip
"""The columns of the roster that are listed, with their headings."""


@volunteers.command(name="list")
def list_volunteers(*, organisation: Whose = None, json: Json = False) -> None:
    """List the roster.

    Example: dispatch volunteers list --json
    """
    rows = run(lambda uow: _roster(uow, organisation))
    if json:
        print_json(rows)
        return
    cells = ([short(UUID(str(row["volunteer_id"]))), *(row[column] for column in LISTED)] for row in rows)
    screen.print(table(counted(len(rows), "volunteer"), ("id", *LISTED.values()), cells), soft_wrap=True)


async def _roster(uow: UnitOfWork, name: str | None) -> list[dict[str, object]]:
    organisation = await organisation_of(uow, name)
    rows: list[dict[str, object]] = []
    after: UUID | None = None
    while page := await roster.list_volunteers(uow, organisation, after=after, limit=VOLUNTEERS_PER_CHUNK):
        rows += page
        after = UUID(str(page[-1]["volunteer_id"]))
    return rows
