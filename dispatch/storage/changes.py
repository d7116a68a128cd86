"""Changes of the rows of several tables, written in one statement."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import asyncpg

from dispatch.storage.queries import fill
from dispatch.storage.table import Change, Row, Table

Part = tuple[Table, str]
"""A table and the template of a statement on it."""


async def save(connection: asyncpg.Connection, changes: Iterable[Change]) -> None:
    """Write changes of tables, each named once, in one statement.

    Nothing orders the parts of one statement: what may hold a unique value is deleted before, in one of its own.
    """
    parts: dict[Part, Iterable[Sequence[Any]]] = {}
    for table, deleted, written in changes:
        if deleted and table.claims:
            await table.delete(connection, deleted)
        elif deleted:
            parts[table, "clear_rows"] = table.key_arrays(deleted)
        if written:
            parts[table, "write_rows"] = _arrays(written)
    if parts:
        arrays = [array for arrays in parts.values() for array in arrays]
        await connection.execute(_statement(tuple(parts)), *arrays)


def _arrays(rows: Sequence[Row]) -> Iterable[Sequence[Any]]:
    """Return the columns of rows; one without values is empty, since `unnest` fills up with nulls."""
    for column in zip(*rows, strict=True):
        empty = column[0] is None and column.count(None) == len(column)
        yield () if empty else column


@cache
def _statement(parts: tuple[Part, ...]) -> str:
    """Return one statement for all parts: a handful of texts, one for each set of tables that change together."""
    first, texts = 1, []
    for table, template in parts:
        statement = table.statement(template, first).removesuffix(";")
        texts.append(fill("part_of_changes", template=template, table=table.name, statement=statement))
        first += len(table.key if template == "clear_rows" else table.columns)
    return fill("write_changes", parts=", ".join(texts))
