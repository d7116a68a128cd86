"""`dispatch muster`: the stations and other points where people gather."""

from pathlib import Path

from cyclopts import App

from dispatch.cli.commands.roster_output import located
from dispatch.cli.connection import run
from dispatch.cli.csv_files import read_text
from dispatch.cli.output import Json, Whose, fail, organisation_of, print_json, problem, screen, table
from dispatch.domain.counting import counted
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import muster_points
from dispatch.services.people.muster_points import ListedPoint, PointsFile

muster = App(name="muster", help="Manage the stations and points where people gather.")


@muster.command(name="import")
def import_(file: Path, *, organisation: Whose = None) -> None:
    """Add the stations and points of a CSV file, or change those with the same names; invalid lines are reported.

    The first line names the columns: name,kind,lat,lon, or in French. A kind is `station` or `point`.

    Example: dispatch muster import stations.csv --organisation "SDIS 67"

    Parameters
    ----------
    file
        The CSV file, separated by commas, semicolons or tabs.
    """
    text = read_text(file)

    async def work(uow: UnitOfWork) -> PointsFile:
        whose = await organisation_of(uow, organisation)
        found = await muster_points.read_file(uow, whose, text)
        await muster_points.put(uow, whose, list(found.points.values()))
        return found

    found = run(work)
    for wrong in found.problems.listed():
        problem(located(file, wrong))
    screen.print(f"[green]{counted(len(found.points), 'muster point')}[/] imported.")
    if lines := found.problems.lines():
        fail(f"left out: {counted(len(lines), 'line')}")


@muster.command(name="list")
def list_(*, organisation: Whose = None, json: Json = False) -> None:
    """List the stations and points, and how many members each has.

    Example: dispatch muster list
    """

    async def work(uow: UnitOfWork) -> list[ListedPoint]:
        return await muster_points.listed(uow, await organisation_of(uow, organisation))

    rows = run(work)
    if json:
        print_json([row._asdict() for row in rows])
    else:
        screen.print(table("muster points", ListedPoint._fields, rows))


@muster.command
def remove(name: str, *, organisation: Whose = None) -> None:
    """Remove a station or point; the members of a station have none then.

    Example: dispatch muster remove "CIS Barr"
    """

    async def work(uow: UnitOfWork) -> None:
        await muster_points.remove(uow, await organisation_of(uow, organisation), name)

    run(work)
