"""The loader of named queries: an error in a file is reported with file and line."""

from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from dispatch.storage.queries import Query, QueryError, all_queries, bound, columns, fill, load, sql

SEVEN = "SELECT $1, $2, $3, $4, $5, $6, $7;"


class Pair(NamedTuple):
    """A row of two fields."""

    a: int
    b: str


def write(folder: Path, text: str, name: str = "a.sql") -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def test_a_query_is_found_by_its_name_in_any_folder(tmp_path: Path) -> None:
    write(tmp_path, "-- A file.\n\n-- name: one\n-- Says one.\nSELECT 1;\n", "people/a.sql")
    assert load(tmp_path) == {"one": Query("-- Says one.\nSELECT 1;")}


def test_named_parameters_are_numbered_in_the_order_in_which_they_first_appear(tmp_path: Path) -> None:
    text = "-- Of :nothing.\nSELECT :b::int, ':d', a[1] -- :e\nFROM x WHERE c = :a AND b = :b;"
    write(tmp_path, f"-- name: one\n{text}")
    query = load(tmp_path)["one"]
    assert query.parameters == ("b", "a")
    assert query.text == (
        "-- Of :nothing.\nSELECT $1::int, ':d', a[1] -- :e\nFROM x WHERE c = $2 AND b = $1;"
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("-- A file.\nSELECT 1;", "a.sql:2: a statement without"),
        ("-- name: one\nSELECT 1;", "a.sql:1: one needs a comment"),
        ("-- name: one\n-- Says one.\n", "a.sql:1: one needs a comment"),
        ("-- name: one\n-- Says one.\nSELECT $1 = :a;", "a.sql:1: one has named and positional"),
        (f"-- name: one\n-- Says one.\n{SEVEN}", "a.sql:1: one has more than 6 positional"),
    ],
)
def test_a_file_with_an_error_is_refused_with_its_line(tmp_path: Path, text: str, error: str) -> None:
    write(tmp_path, text)
    with pytest.raises(QueryError, match=error):
        load(tmp_path)


@pytest.mark.parametrize("second", ["a.sql", "b.sql", "people/a.sql"])
def test_a_name_that_is_taken_is_refused_with_both_places(tmp_path: Path, second: str) -> None:
    one = "-- name: one\n-- Says one.\nSELECT 1;\n"
    write(tmp_path, one)
    write(tmp_path, one + one if second == "a.sql" else one, second)
    line = 4 if second == "a.sql" else 1
    with pytest.raises(QueryError, match=f"^{second}:{line}: one is the name of a query in a.sql:1 already"):
        load(tmp_path)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(QueryError, match="no query is named 'nothing'"):
        sql("nothing")


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make two queries the only ones."""
    queries = {"one": Query("SELECT $1, $2", ("a", "b")), "drop": Query("DROP {table}", template=True)}
    monkeypatch.setattr("dispatch.storage.queries.all_queries", lambda: queries)


@pytest.mark.usefixtures("one")
def test_values_are_bound_by_name_in_the_order_of_the_query() -> None:
    assert bound("one", b=2, a=1) == ("SELECT $1, $2", 1, 2)


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize("values", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}])
def test_values_that_are_not_those_of_the_query_are_an_error(values: dict[str, int]) -> None:
    with pytest.raises(QueryError, match=r"one and its call differ in parameters: .*[bc]"):
        bound("one", **values)


def test_rows_are_bound_as_columns() -> None:
    assert columns(Pair, [Pair(1, "x"), Pair(2, "y")]) == {"a": [1, 2], "b": ["x", "y"]}
    assert columns(Pair, []) == {"a": [], "b": []}


@pytest.mark.usefixtures("one")
def test_a_template_is_filled_before_it_is_run() -> None:
    assert fill("drop", table="x") == "DROP x"
    with pytest.raises(QueryError, match="drop is a template"):
        sql("drop")
    with pytest.raises(QueryError, match="one is no template"):
        fill("one", table="x")


@pytest.mark.parametrize("name", sorted(name for name, query in all_queries().items() if not query.template))
async def test_every_query_fits_the_schema(name: str, connection: asyncpg.Connection) -> None:
    await connection.prepare(sql(name))
