"""The named queries: every SQL statement of Renfort, from the files in `sql/`."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("sql")
NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$")


class QueryError(Exception):
    """A file of queries is not as it must be; the text names file and line."""


def sql(name: str) -> str:
    """Return the text of a query."""
    try:
        return all_queries()[name]
    except KeyError:
        raise QueryError(f"no query is named {name!r} in {FOLDER.name}/*.sql") from None


@cache
def all_queries() -> dict[str, str]:
    """Read the queries of this version."""
    return load(FOLDER)


def load(folder: Path) -> dict[str, str]:
    """Read each `-- name: x`, its contract (a comment of one sentence) and its statement."""
    queries: dict[str, str] = {}
    for path in sorted(folder.rglob("*.sql")):
        for line, name, text in _blocks(path):
            where = f"{path.name}:{line}"
            if name in queries:
                raise QueryError(f"{where}: a second query is named {name}")
            contract, _, statement = text.partition("\n")
            if not contract.startswith("-- ") or not statement.strip():
                raise QueryError(
                    f"{where}: {name} needs a comment that says what it promises, then a statement"
                )
            queries[name] = text
    return queries


def _blocks(path: Path) -> list[tuple[int, str, str]]:
    """Cut a file at its names; return the line of each name, the name, and the text under it."""
    blocks: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if match := NAME.match(line):
            blocks.append((number, match[1], []))
        elif blocks:
            blocks[-1][2].append(line)
        elif line.strip() and not line.startswith("--"):
            raise QueryError(f"{path.name}:{number}: a statement without a `-- name:` before it")
    return [(number, name, "\n".join(lines).strip()) for number, name, lines in blocks]
