"""The named queries: every SQL statement of Renfort, from the files in `sql/`.

A query takes at most six positional parameters (`$1`), or any number of named ones (`:name`). `bound` passes values by
name; the text that Postgres receives is numbered and constant, so that each session plans it once.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("sql")
HEADER = re.compile(r"^-- (name|template): ([a-z][a-z0-9_]*)$")
# Comments, strings and casts are passed over.
TOKEN = re.compile(r"--[^\n]*|'[^']*'|::|:([a-z_][a-z0-9_]*)|\$([0-9]+)")
MOST_POSITIONAL = 6
"""With more of them a reader cannot see which value stands for which parameter."""


class QueryError(Exception):
    """A file of queries, or a call of a query, is wrong; the text names the file and line, or the query."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement as Postgres receives it; `parameters` names its parameters by number, if they have names."""

    text: str
    parameters: tuple[str, ...] = ()
    template: bool = False


def sql(name: str) -> str:
    """Return the text of a query."""
    query = _find(name)
    if query.template:
        raise QueryError(f"{name} is a template: fill it")
    return query.text


def bound(name: str, /, **values: object) -> tuple[Any, ...]:
    """Return the text of a query with named parameters and their values in order, as asyncpg's methods take them."""
    query = _find(name)
    if values.keys() != set(query.parameters):
        wrong = ", ".join(sorted(values.keys() ^ set(query.parameters)))
        raise QueryError(f"{name} and its call differ in parameters: {wrong}")
    return (query.text, *map(values.__getitem__, query.parameters))


def columns(kind: type[NamedTuple], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Return the columns of rows, which are of one kind, by the names of their fields, as `bound` takes them."""
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in kind._fields]
    return dict(zip(kind._fields, values, strict=True))


def fill(name: str, **parts: str) -> str:
    """Return the text of a template with its parts, which must be constants of the program, never data."""
    query = _find(name)
    if not query.template:
        raise QueryError(f"{name} is no template")
    return query.text.format_map(parts)


def _find(name: str) -> Query:
    try:
        return all_queries()[name]
    except KeyError:
        raise QueryError(f"no query is named {name!r} in {FOLDER.name}/**/*.sql") from None


@cache
def all_queries() -> dict[str, Query]:
    """Return the queries of this version by name."""
    return load(FOLDER)


def load(folder: Path) -> dict[str, Query]:
    """Read the query files under a folder; raises QueryError where one is wrong.

    Each query is a line `-- name: x` (or `-- template: x`), its contract (a comment of one sentence), its statement.
    """
    queries: dict[str, Query] = {}
    places: dict[str, str] = {}
    for path in sorted(folder.rglob("*.sql")):
        for line, kind, name, text in _blocks(path, str(path.relative_to(folder))):
            where = f"{path.relative_to(folder)}:{line}"
            if name in queries:
                raise QueryError(f"{where}: {name} is the name of a query in {places[name]} already")
            queries[name], places[name] = _query(f"{where}: {name}", kind, text), where
    return queries


def _blocks(path: Path, file: str) -> Iterator[tuple[int, str, str, str]]:
    """Split a file at its headers; yield the line of each header, its kind, its name, and the text under it."""
    blocks: list[tuple[int, str, str, list[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if match := HEADER.match(line):
            blocks.append((number, match[1], match[2], []))
        elif blocks:
            blocks[-1][3].append(line)
        elif line.strip() and not line.startswith("--"):
            raise QueryError(f"{file}:{number}: a statement without a `-- name:` before it")
    return ((number, kind, name, "\n".join(lines).strip()) for number, kind, name, lines in blocks)


def _query(where: str, kind: str, text: str) -> Query:
    contract, _, statement = text.partition("\n")
    if not contract.startswith("-- ") or not statement.strip():
        raise QueryError(f"{where} needs a comment that states its contract, then a statement")
    names = tuple(dict.fromkeys(match[1] for match in TOKEN.finditer(text) if match[1]))
    numbers = {int(match[2]) for match in TOKEN.finditer(text) if match[2]}
    if names and numbers:
        raise QueryError(f"{where} has named and positional parameters: name them all")
    if max(numbers, default=0) > MOST_POSITIONAL:
        raise QueryError(f"{where} has more than {MOST_POSITIONAL} positional parameters: name them")
    return Query(_numbered(text, names), names, template=kind == "template")


def _numbered(text: str, names: Sequence[str]) -> str:
    """Replace named parameters by their numbers."""
    numbers = {name: f"${number}" for number, name in enumerate(names, start=1)}
    return TOKEN.sub(lambda match: numbers[match[1]] if match[1] else match[0], text)
