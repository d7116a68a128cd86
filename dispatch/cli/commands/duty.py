"""`dispatch duty`: the order in which the supervisors of an organisation are notified."""

from pathlib import Path
from typing import Annotated, get_args

from cyclopts import App, Parameter
from rich.text import Text

from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, organisation_of, print_json, screen, table, warn_of_landline
from dispatch.config import MisuseError
from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.core.csv_tables import TableRow, check_columns, read_table
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from schemas.volunteers import Language

COLUMNS, REQUIRED = ("name", "phone", "language", "drills"), ("name", "phone")
MOST_PARTS = 2
"""After the name: the phone, then the language."""

duty = App(name="duty", help="Set and list the supervisors who are paged.")


@duty.command(name="set")
def set_(
    file: Path | None = None,
    *,
    contact: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    organisation: Whose = None,
) -> None:
    """Replace the duty order: the first is paged first, the next one if the first does not acknowledge.

    Example: dispatch duty set --contact "Anne Weber:+33612345678" "Paul Klein:+33612345679:en:drills"

    Parameters
    ----------
    file
        A CSV file with the columns name,phone,language,drills.
    contact
        NAME:PHONE, optionally followed by the language (fr, en) and by `drills` for somebody who is also notified
        of exercises.
    """
    if (file is None) == (contact is None):
        raise MisuseError("name either a FILE or each --contact 'Name:+33…'")
    contacts = _read_contacts(file) if file else [parse_contact(text) for text in contact or ()]

    async def work(uow: UnitOfWork) -> list[DutyContact]:
        id_ = await organisation_of(uow, organisation)
        await organisations.set_duty(uow, id_, contacts)
        return await organisations.duty(uow, id_)

    listed = run(work)
    names = ", ".join(one.name for one in listed)
    screen.print("[green]notified in this order:[/]", Text(names))
    for one in listed:
        warn_of_landline(one.name, one.phone)


def parse_contact(text: str) -> DutyContact:
    """Read NAME:PHONE[:LANGUAGE][:drills]; raises MisuseError."""
    name, *rest = (part.strip() for part in text.split(":"))
    drills = "drills" in rest
    rest = [part for part in rest if part != "drills"]
    if not name or not 1 <= len(rest) <= MOST_PARTS or not set(rest[1:]) <= set(get_args(Language)):
        raise MisuseError(
            f"{text!r} is not NAME:PHONE[:fr|en][:drills], such as 'Anne Weber:+33612345678:fr'"
        )
    return DutyContact(name, rest[0], "en" if rest[1:] == ["en"] else "fr", drills)


def _read_contacts(file: Path) -> list[DutyContact]:
    """Read a duty order from a CSV file; an error names its line."""
    found = read_table(file)
    try:
        check_columns(found.headers, COLUMNS, REQUIRED)
    except InvalidError as error:
        raise InvalidError("duty", f"{file}: {error}") from None
    for unread in found.problems:
        raise InvalidError("duty", f"{file}:{unread.line}: {unread.message}")
    return [_contact(file, row) for row in found.rows]


def _contact(file: Path, row: TableRow) -> DutyContact:
    cells = row.cells
    drills = "drills" if cells.get("drills", "").lower() in {"1", "true", "yes", "oui"} else ""
    parts = (cells["name"], cells["phone"], cells.get("language"), drills)
    try:
        return parse_contact(":".join(part for part in parts if part))
    except MisuseError as error:
        raise InvalidError("duty", f"{file}:{row.line}: {error}") from None


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
