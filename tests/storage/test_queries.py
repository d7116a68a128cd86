"""The loader of named queries: what is wrong in a file is told with file and line."""

from pathlib import Path

import asyncpg
import pytest

from dispatch.storage.queries import QueryError, all_queries, load, sql


def test_a_query_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- A file.\n\n-- name: one\n-- Says one.\nSELECT 1;\n")
    assert load(tmp_path) == {"one": "-- Says one.\nSELECT 1;"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "-- name: one\n-- Says one.\nSELECT 1;\n-- name: one\n-- Says one.\nSELECT 1;",
            "a.sql:4: a second query",
        ),
        ("-- A file.\nSELECT 1;", "a.sql:2: a statement without"),
        ("-- name: one\nSELECT 1;", "a.sql:1: one needs a comment"),
        ("-- name: one\n-- Says one.\n", "a.sql:1: one needs a comment"),
    ],
)
def test_a_file_with_an_error_is_refused_with_its_line(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "a.sql").write_text(text)
    with pytest.raises(QueryError, match=error):
        load(tmp_path)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(QueryError, match="no query is named 'nothing'"):
        sql("nothing")


@pytest.mark.parametrize("name", sorted(all_queries()))
async def test_every_query_fits_the_schema(name: str, connection: asyncpg.Connection) -> None:
    await connection.prepare(sql(name))
