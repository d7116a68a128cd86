"""Where SQL runs: in the services and in the storage only, and each named query in one room."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dispatch.storage.queries import FOLDER, HEADER, all_queries

ROOT = Path(__file__).parents[2]
STORAGE = "storage"
FAMILIES = {
    "expire_": ROOT / "dispatch/services/operations/retention.py",
}
"""Queries that a module names by a prefix and the name of a table."""
RUNNING = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"}
NO_CONNECTIONS = {"buckets"}
"""Objects with a method of such a name that runs no statement of the caller."""
ELSEWHERE = (
    "dispatch/cli",
    "dispatch/runtime",
    "dispatch/embedded",
    "dispatch/gateways",
    "producers",
    "consumers",
)


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def strings(path: Path) -> frozenset[str]:
    """Return every string in the code of a module, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return frozenset(node.value for node in found if isinstance(node.value, str))


@cache
def rooms() -> dict[str, set[str]]:
    """Return, for each named query, the rooms whose modules name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in modules("dispatch/services", "dispatch/storage"):
        floor, room, *_ = path.relative_to(ROOT / "dispatch").parts
        for name in all_queries().keys() & strings(path):
            found[name].add(STORAGE if floor == STORAGE else room)
    for prefix, path in FAMILIES.items():
        for name in all_queries():
            if name.startswith(prefix) and capabilities()[name] == path.parent.name:
                found[name].add(path.parent.name)
    return found


@cache
def capabilities() -> dict[str, str]:
    """Return, for each named query, the folder that its file lies in."""
    return {
        match[2]: path.parent.name
        for path in FOLDER.rglob("*.sql")
        for line in path.read_text(encoding="utf-8").splitlines()
        if (match := HEADER.match(line))
    }


@pytest.mark.parametrize("name", sorted(all_queries()))
def test_a_query_is_called_from_one_room_whose_name_its_folder_has(name: str) -> None:
    callers = rooms().get(name, set())
    assert callers, "no module calls it"
    assert callers in ({STORAGE}, {capabilities()[name]})


@pytest.mark.parametrize("prefix", sorted(FAMILIES))
def test_a_module_that_names_queries_by_a_prefix_is_declared(prefix: str) -> None:
    assert prefix in strings(FAMILIES[prefix])
    assert any(name.startswith(prefix) for name in all_queries())


def test_only_services_and_storage_run_a_statement() -> None:
    # That nobody else imports the named queries is a contract of import-linter.
    running = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules(*ELSEWHERE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in RUNNING
        and ast.unparse(node.func.value) not in NO_CONNECTIONS
    ]
    assert running == []
