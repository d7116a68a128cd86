"""The output of commands: tables for people, JSON for programs; and the options that several commands share."""

import getpass
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NoReturn
from uuid import UUID

import orjson
from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import asdict
from pydantic_core import to_jsonable_python
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from dispatch.cli.terminal import Terminal, harmless, harmless_json
from dispatch.config import MisuseError
from dispatch.domain.counting import counted
from dispatch.services.access import organisations
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.phone_numbers import takes_no_texts
from dispatch.services.core.unit_of_work import UnitOfWork
from schemas.volunteers import Language

WIDE = 160
"""Columns of a table that is not printed in a terminal."""

screen = Terminal(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
errors = Terminal(stderr=True, highlight=False)

Json = Annotated[bool, Parameter(name="--json", negative="", help="Write JSON.")]
Whose = Annotated[
    str | None, Parameter(name="--organisation", help="Name of the organisation. Default: the only one.")
]
Spoken = Annotated[
    Language | None, Parameter(help="The language, fr or en. Default: that of your environment (LANG).")
]
By = Annotated[str | None, Parameter(help="Name of the person who decides. Default: your user name.")]


def spoken_here() -> Language:
    """Return the language of the environment: French where it says so."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    found = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "fr" if found.lower().startswith("fr") else "en"


def operator() -> str:
    """Return the user name of the person who runs the command."""
    return getpass.getuser()


async def organisation_of(uow: UnitOfWork, name: str | None) -> UUID:
    """Return the id of an organisation by its name, or of the only one; raises NotFoundError and MisuseError."""
    rows = await organisations.listed(uow)
    if not rows:
        raise NotFoundError("there is no organisation yet: dispatch organisations create NAME")
    fitting = [row for row in rows if name in {None, row["name"], str(row["id"])}]
    known = ", ".join(row["name"] for row in rows)
    if not fitting:
        raise NotFoundError(f"there is no organisation {name!r}; there are: {known}")
    if len(fitting) > 1:
        raise MisuseError(f"name one with --organisation; there are: {known}")
    return UUID(str(fitting[0]["id"]))


def print_json(value: object) -> None:
    """Print a value as JSON."""
    plain = to_jsonable_python(value, fallback=_plain)
    sys.stdout.write(harmless_json(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode()) + "\n")


def print_json_line(value: object) -> None:
    """Print a value as JSON on one line, at once."""
    sys.stdout.write(harmless_json(orjson.dumps(to_jsonable_python(value, fallback=_plain)).decode()) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    """Return what JSON has no form for as one that it has."""
    return asdict(value) if isinstance(value, Struct) else str(value)


def shown(number: int, total: int, word: str) -> str:
    """Return how many of how many are listed, as the title of a list that may be cut."""
    return counted(total, word) if number == total else f"{number} of {counted(total, word)}"


def elapsed(span: timedelta | None) -> str:
    """Return a duration in its two largest units."""
    if span is None:
        return ""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    largest = next((n for n, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in parts[largest : largest + 2])


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table of rows; brackets in the cells are text, no markup."""
    laid = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for column in columns:
        # Never truncated: the location in a report may come at its end.
        laid.add_column(column, overflow="fold")
    for row in rows:
        laid.add_row(*(cell if isinstance(cell, Text) else Text(_cell(cell)) for cell in row))
    return laid


def _cell(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else harmless(str(value))


def problem(text: str) -> None:
    """Print one problem on stderr."""
    errors.print(Text(text, "red"), soft_wrap=True)


def warning(text: str) -> None:
    """Print one warning on stderr."""
    errors.print(Text(text, "yellow"), soft_wrap=True)


def warn_of_landline(who: str, phone: str | None) -> None:
    """Warn where pages to a phone, which are texts, do not arrive."""
    if phone and takes_no_texts(phone):
        warning(f"warning: {who} is a landline or another number that receives no texts, and pages are texts")


def progress() -> Progress:
    """Return a progress bar on stderr, shown only in a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error on stderr and exit: 1 for a failure, 2 for misuse."""
    sys.stderr.write(f"dispatch: {harmless(message)}\n")
    sys.exit(code)
