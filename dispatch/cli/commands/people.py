"""The people: volunteers, and the supervisors in their duty order."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args
from uuid import UUID

from cyclopts import App, Parameter
from rich.text import Text

from dispatch.cli.connection import fail, run
from dispatch.cli.output import (
    Json,
    Whose,
    counted,
    organisation_of,
    print_json,
    problem,
    progress,
    screen,
    table,
)
from dispatch.clock import Clock
from dispatch.config import MisuseError
from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.roster_files import read_csv
from dispatch.services.people.volunteers import enrol, listed
from schemas.volunteers import Language, VolunteerBody

AT_ONCE = 500
"""Volunteers in one transaction, and in one page."""
FEWEST_PARTS = 2

volunteers = App(name="volunteers", help="Import and list volunteers.")
duty = App(name="duty", help="Set and list the supervisors who are told, in their order.")


@volunteers.command(name="import")
def import_(file: Path, *, organisation: Whose = None, json: Json = False) -> None:
    """Put the volunteers of a CSV file on the roster; a line that is wrong is named, the others are taken.

    The first line names the columns: name,phone,language,skills,lat,lon,birth_date,consent,availability.
    A phone number that is on the roster already is the same person: what is new is written.

    Example: dispatch volunteers import roster.csv --organisation "SDIS 67"

    Parameters
    ----------
    file
        The CSV file, comma- or semicolon-separated.
    """
    bodies, problems = read_csv(read_text(file), Clock().now().date())
    run(lambda uow: _enrol(uow, organisation, bodies))
    for found in problems:
        problem(f"{file}:{found.line}: {found.field}: {found.message}")
    if json:
        print_json({"imported": len(bodies), "problems": problems})
    else:
        screen.print(f"[green]{counted(len(bodies), 'volunteer')}[/] on the roster.")
    if problems:
        lines = len({found.line for found in problems})
        fail(f"left out: {counted(lines, 'line')}")


async def _enrol(uow: UnitOfWork, name: str | None, bodies: Sequence[VolunteerBody]) -> None:
    organisation = await organisation_of(uow, name)
    with progress() as shown:
        task = shown.add_task("volunteers", total=len(bodies))
        for start in range(0, len(bodies), AT_ONCE):
            chunk = bodies[start : start + AT_ONCE]
            await enrol(uow, organisation, chunk)
            shown.advance(task, len(chunk))


def read_text(file: Path) -> str:
    """Read a sheet as spreadsheets save it: UTF-8, or what Windows writes in Western Europe."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MisuseError(f"{file}: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


@volunteers.command(name="list")
def list_volunteers(*, organisation: Whose = None, json: Json = False) -> None:
    """List the roster.

    Example: dispatch volunteers list --json
    """
    rows = run(lambda uow: _roster(uow, organisation))
    if json:
        print_json(rows)
        return
    columns = ("volunteer_id", "name", "phone", "language", "skills", "availability", "consent", "stopped_at")
    cells = ([row[column] for column in columns] for row in rows)
    screen.print(table(counted(len(rows), "volunteer"), columns, cells), soft_wrap=True)


async def _roster(uow: UnitOfWork, name: str | None) -> list[dict[str, object]]:
    organisation = await organisation_of(uow, name)
    rows: list[dict[str, object]] = []
    after: UUID | None = None
    while page := await listed(uow, organisation, after=after, limit=AT_ONCE):
        rows += page
        after = UUID(str(page[-1]["volunteer_id"]))
    return rows


@duty.command(name="set")
def set_(
    file: Path | None = None,
    *,
    contact: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    organisation: Whose = None,
) -> None:
    """Replace the duty order: the first is told first, the next where the first does not acknowledge.

    Example: dispatch duty set --contact "Anne Weber:+33612345678" "Paul Klein:+33612345679:en:drills"

    Parameters
    ----------
    file
        A CSV file with the columns name,phone,language,drills.
    contact
        NAME:PHONE, then, where they differ, the language (fr, en) and `drills` for who wants exercises too.
    """
    if (file is None) == (contact is None):
        raise MisuseError("name either a FILE or each --contact 'Name:+33…'")
    contacts = _read_contacts(file) if file else [parse_contact(text) for text in contact or ()]

    async def work(uow: UnitOfWork) -> None:
        await organisations.set_duty(uow, await organisation_of(uow, organisation), contacts)

    run(work)
    screen.print("[green]told in this order:[/]", Text(", ".join(contact.name for contact in contacts)))


def parse_contact(text: str) -> DutyContact:
    """Read NAME:PHONE[:LANGUAGE][:drills]; raises MisuseError."""
    name, *rest = (part.strip() for part in text.split(":"))
    drills = "drills" in rest
    rest = [part for part in rest if part != "drills"]
    if not name or not 1 <= len(rest) <= FEWEST_PARTS or not set(rest[1:]) <= set(get_args(Language)):
        raise MisuseError(f"{text!r} is not NAME:PHONE[:fr|en][:drills]")
    return DutyContact(name, rest[0], "en" if rest[1:] == ["en"] else "fr", drills)


def _read_contacts(file: Path) -> list[DutyContact]:
    """Read a duty order from a sheet; what is wrong is named by its line."""
    contacts = []
    for line, row in enumerate(csv.DictReader(read_text(file).splitlines()), start=2):
        drills = "drills" if (row.get("drills") or "").strip().lower() in {"1", "true", "yes", "oui"} else ""
        parts = (row.get("name"), row.get("phone"), row.get("language"), drills)
        try:
            contacts.append(parse_contact(":".join(part for part in parts if part)))
        except MisuseError as error:
            raise InvalidError("duty", f"{file}:{line}: {error}") from None
    return contacts


@duty.command(name="list")
def list_duty(*, organisation: Whose = None, json: Json = False) -> None:
    """List the duty order.

    Example: dispatch duty list
    """

    async def work(uow: UnitOfWork) -> list[DutyContact]:
        return await organisations.duty(uow, await organisation_of(uow, organisation))

    contacts = run(work)
    if json:
        print_json(contacts)
        return
    rows = ((turn, c.name, c.phone, c.language, c.drills) for turn, c in enumerate(contacts, start=1))
    screen.print(table("duty order", ("turn", "name", "phone", "language", "drills"), rows))
