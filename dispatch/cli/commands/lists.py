"""`dispatch lists` and `dispatch apart`: whom plans ask alone or never, and who must not meet."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, organisation_of, print_json, screen, table
from dispatch.config import MisuseError
from dispatch.domain.counting import counted
from dispatch.services.core.csv_tables import folded, read_table
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import lists as service
from dispatch.services.people.roster_columns import BY_NAME

PAIR = 2
SEVERAL = Parameter(consume_multiple=True, negative="")
Phones = Annotated[list[str] | None, SEVERAL, Parameter(help="The phones of the members.")]
Ids = Annotated[list[str] | None, SEVERAL, Parameter(help="Their ids, or the beginnings of them.")]
Act = Callable[[UnitOfWork, UUID, UUID, UUID], Awaitable[None]]

lists = App(name="lists", help="Manage lists of people whom plans ask alone or never.")
apart = App(name="apart", help="Keep people apart who must not meet.")


@lists.command(name="set")
def set_(name: str, *, phones: Phones = None, ids: Ids = None, organisation: Whose = None) -> None:
    """Replace a list, or create it. A plan names it in `only` or `never`.

    Example: dispatch lists set creche-parents --phones +33612345678 +33612345679
    """
    _set(name, phones or (), ids or (), organisation)


@lists.command(name="import")
def import_(name: str, file: Path, *, organisation: Whose = None) -> None:
    """Replace a list with the people of a CSV file that has a column `phone` (téléphone); an error changes nothing.

    Example: dispatch lists import creche-parents parents.csv

    Parameters
    ----------
    file
        The CSV file; other columns are ignored.
    """
    _set(name, list(_phones(file)), (), organisation)


def _phones(file: Path) -> Iterator[str]:
    """Yield the phones in a file; raises InvalidError for a line without one: it would let somebody off the list."""
    found = read_table(file)
    column = next((one for one in found.headers if BY_NAME.get(folded(one)) == "phone"), None)
    if column is None:
        raise InvalidError("file", f"{file}: no column `phone`; there are {', '.join(found.headers)}")
    for unread in found.problems:
        raise InvalidError("phone", f"{file}:{unread.line}: {unread.message}")
    for row in found.rows:
        if not (phone := row.cells.get(column, "").strip()):
            raise InvalidError("phone", f"{file}:{row.line}: empty; write a number, or remove the line")
        yield phone


def _set(name: str, phones: Sequence[str], ids: Sequence[str], organisation: str | None) -> None:
    async def work(uow: UnitOfWork) -> int:
        return await service.set_list(uow, await organisation_of(uow, organisation), name, phones, ids)

    screen.print(f"[green]{counted(run(work), 'person is', 'people are')}[/] on the list {name}.")


@lists.command(name="list")
def list_(name: str | None = None, *, organisation: Whose = None, json: Json = False) -> None:
    """List the lists, or the people on one.

    Example: dispatch lists list creche-parents
    """

    async def work(uow: UnitOfWork) -> list[dict[str, object]]:
        whose = await organisation_of(uow, organisation)
        if name is None:
            return [one._asdict() for one in await service.all_lists(uow, whose)]
        return [{"volunteer_id": who} for who in await service.read_list(uow, whose, name)]

    rows = run(work)
    if json:
        print_json(rows)
        return
    columns = ("name", "changed_at", "people") if name is None else ("volunteer_id",)
    screen.print(table(name or "lists", columns, ([row[key] for key in columns] for row in rows)))


@lists.command
def delete(name: str, *, organisation: Whose = None) -> None:
    """Delete a list; a plan that asks only its members then asks nobody, one that never asks them asks them.

    Example: dispatch lists delete creche-parents
    """

    async def work(uow: UnitOfWork) -> None:
        await service.delete_list(uow, await organisation_of(uow, organisation), name)

    run(work)


@apart.command
def add(*, phones: Phones = None, ids: Ids = None, organisation: Whose = None) -> None:
    """Record two members who must not meet: neither is asked where the other is asked or assigned.

    Example: dispatch apart add --phones +33612345678 +33612345679
    """
    _act(service.keep_apart, phones or (), ids or (), organisation)


@apart.command
def remove(*, phones: Phones = None, ids: Ids = None, organisation: Whose = None) -> None:
    """Let two members meet again.

    Example: dispatch apart remove --phones +33612345678 +33612345679
    """
    _act(service.let_meet, phones or (), ids or (), organisation)


@apart.command(name="list")
def list_apart(*, organisation: Whose = None, json: Json = False) -> None:
    """List the pairs of people who must not meet.

    Example: dispatch apart list
    """

    async def work(uow: UnitOfWork) -> list[service.Apart]:
        return await service.all_apart(uow, await organisation_of(uow, organisation))

    rows = run(work)
    if json:
        print_json([row._asdict() for row in rows])
    else:
        screen.print(table("must not meet", service.Apart._fields, rows))


def _act(act: Act, phones: Sequence[str], ids: Sequence[str], organisation: str | None) -> None:
    async def work(uow: UnitOfWork) -> None:
        whose = await organisation_of(uow, organisation)
        people = await service.named_members(uow.pool, whose, phones, ids)
        if len(people) != PAIR:
            raise MisuseError("name two members, by --phones or --ids")
        await act(uow, whose, *people)

    run(work)
