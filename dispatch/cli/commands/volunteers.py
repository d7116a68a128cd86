"""`dispatch volunteers`: import a roster and list it."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from cyclopts import App

from dispatch.cli.connection import run
from dispatch.cli.csv_files import read_text
from dispatch.cli.output import (
    Json,
    Whose,
    counted,
    fail,
    organisation_of,
    print_json,
    problem,
    progress,
    screen,
    table,
)
from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import volunteers as roster
from dispatch.services.people.roster_files import read_csv
from schemas.volunteers import VolunteerBody

VOLUNTEERS_PER_CHUNK = 500
"""Volunteers in one transaction, and in one page."""

volunteers = App(name="volunteers", help="Import and list volunteers.")


@volunteers.command(name="import")
def import_(file: Path, *, organisation: Whose = None, json: Json = False) -> None:
    """Put the volunteers of a CSV file on the roster; invalid lines are reported, all others are imported.

    The first line names the columns: name,phone,language,skills,lat,lon,birth_date,consent,availability.
    A phone number that is already on the roster is the same person, whose data are updated.

    Example: dispatch volunteers import roster.csv --organisation "SDIS 67"

    Parameters
    ----------
    file
        The CSV file, comma- or semicolon-separated.
    """
    bodies, problems = read_csv(read_text(file), Clock().now().date())
    run(lambda uow: _import(uow, organisation, bodies))
    for found in problems:
        problem(f"{file}:{found.line}: {found.field}: {found.message}")
    if json:
        print_json({"imported": len(bodies), "problems": problems})
    else:
        screen.print(f"[green]{counted(len(bodies), 'volunteer')}[/] on the roster.")
    if problems:
        lines = len({found.line for found in problems})
        fail(f"left out: {counted(lines, 'line')}")


async def _import(uow: UnitOfWork, name: str | None, bodies: Sequence[VolunteerBody]) -> None:
    organisation = await organisation_of(uow, name)
    with progress() as shown:
        task = shown.add_task("volunteers", total=len(bodies))
        for start in range(0, len(bodies), VOLUNTEERS_PER_CHUNK):
            chunk = bodies[start : start + VOLUNTEERS_PER_CHUNK]
            await roster.register_all(uow, organisation, chunk)
            shown.advance(task, len(chunk))


@volunteers.command(name="list")
def list_volunteers(*, organisation: Whose = None, json: Json = False) -> None:
    """List the roster.

    Example: dispatch volunteers list --json
    """
    rows = run(lambda uow: _roster(uow, organisation))
    if json:
        print_json(rows)
        return
    columns = (
        "volunteer_id", "name", "phone", "language", "skills", "availability", "consent", "stopped_at",
        "failing_since",
    )  # fmt: skip
    cells = ([row[column] for column in columns] for row in rows)
    screen.print(table(counted(len(rows), "volunteer"), columns, cells), soft_wrap=True)


async def _roster(uow: UnitOfWork, name: str | None) -> list[dict[str, object]]:
    organisation = await organisation_of(uow, name)
    rows: list[dict[str, object]] = []
    after: UUID | None = None
    while page := await roster.list_volunteers(uow, organisation, after=after, limit=VOLUNTEERS_PER_CHUNK):
        rows += page
        after = UUID(str(page[-1]["volunteer_id"]))
    return rows
