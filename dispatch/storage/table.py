"""A table of the projections: its columns are declared once, and all its statements follow from the declaration."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg

from dispatch.storage.queries import fill

Row = tuple[Any, ...]
Key = Any
"""The value of a row's key column, or the tuple of the values where a key has several."""
LIST = "text[]"
"""Columns of this type travel as text joined by commas: Postgres has no arrays of arrays of different lengths."""
SQL_TYPES = {
    UUID: "uuid", str: "text", int: "int", bool: "bool", float: "float8", datetime: "timestamptz",
}  # fmt: skip


_VALUES = {LIST: "string_to_array(\"{0}\", ',')"}


class Claim(NamedTuple):
    """A partial unique index: two rows whose `state` is none of `free` never have the same values in its columns."""

    constraint: str
    columns: tuple[str, ...]
    state: str
    free: frozenset[object]


class Change(NamedTuple):
    """The rows of a table that are deleted, by their keys, and those that are written, in their order."""

    table: "Table"
    deleted: Sequence[Key]
    written: Sequence[Row]


@dataclass(frozen=True, eq=False)
class Table:
    """A table with one row for each value; `columns` maps their names to SQL types, in the order of a row.

    `subject` is the column that names what a row belongs to; `order` sorts the rows of one subject. `kind` is the class
    of the values, whose fields are the last columns; before them stand those that a value has from its owner.
    A stored row of an `immutable` table is never overwritten.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    subject: str
    order: tuple[str, ...]
    claims: tuple[Claim, ...] = ()
    kind: type[Any] | None = None
    immutable: bool = False

    async def read(self, connection: asyncpg.Connection, subjects: Sequence[UUID]) -> list[asyncpg.Record]:
        """Return the rows of subjects."""
        return await connection.fetch(self.statements["read_rows"], subjects)

    def change(self, before: Iterable[Row], after: Iterable[Row]) -> Change:
        """Return the difference between the rows before and after.

        What holds a unique value never meets what held it before: rows that are gone, or that give up one value and
        take another, are deleted; of the others those that hold none are written first.
        """
        key_of = self.key_of
        old, new = {key_of(row): row for row in before}, {key_of(row): row for row in after}
        changed = {key: row for key, row in new.items() if old.get(key) != row}
        deleted = [key for key in old if key not in new or self._gives_up(old[key], changed.get(key))]
        return Change(self, sorted(deleted), sorted(changed.values(), key=self._turn))

    async def delete(self, connection: asyncpg.Connection, keys: Sequence[Key]) -> None:
        """Delete rows by their keys."""
        await connection.execute(self.statements["clear_rows"], *self.key_arrays(keys))

    async def drop(self, connection: asyncpg.Connection, timeout: float) -> None:  # noqa: ASYNC109 - asyncpg's own
        """Delete every row, within so many seconds."""
        await connection.execute(self.statements["drop_rows"], timeout=timeout)

    def rows(self, owner: Row, values: Iterable[object]) -> list[Row]:
        """Return values of one owner as rows, in which the owner's columns come first."""
        lay_out = self._fields_of
        return [self.packed((*owner, *lay_out(value))) for value in values]

    def value(self, record: asyncpg.Record) -> Any:  # noqa: ANN401 - of the class `kind`
        """Return the value of a stored row."""
        found = self.unpacked(record)[len(self.columns) - len(self._names) :]
        return cast(type[Any], self.kind)(*found)

    def packed(self, row: Row) -> Row:
        """Return a row with its lists as text, as the statements require."""
        if not self._lists:
            return row
        values = list(row)
        for place in self._lists:
            if values[place] is not None:
                values[place] = ",".join(values[place])
        return tuple(values)

    def unpacked(self, record: asyncpg.Record) -> Row:
        """Return a row with its lists as tuples, as the values have them."""
        if not self._lists:
            return tuple(record)
        values = list(record)
        for place in self._lists:
            values[place] = tuple(values[place] or ())
        return tuple(values)

    @cached_property
    def key_of(self) -> Callable[[Row], Any]:
        """Return the function that returns the key of a row."""
        return itemgetter(*self._places(self.key))

    def key_arrays(self, keys: Sequence[Key]) -> list[Sequence[Any]]:
        """Return the columns of keys."""
        return [keys] if len(self.key) == 1 else list(zip(*keys, strict=True))

    @cached_property
    def statements(self) -> Mapping[str, str]:
        """Return the statements of the table by the names of their templates."""
        names = ("read_rows", "lock_rows", "lock_free_rows", "write_rows", "clear_rows", "drop_rows")
        return {name: self.statement(name) for name in names}

    def statement(self, template: str, first: int = 1) -> str:
        """Return a statement of the table whose parameters are numbered from `first`."""
        return fill(template, **self._parts(first))

    def _parts(self, first: int) -> dict[str, str]:
        rest = [name for name in self.columns if name not in self.key]
        changes = _listed('"{0}" = excluded."{0}"', rest)
        return {
            "table": self.name,
            "columns": _listed('"{0}"', self.columns),
            "values": ", ".join(_VALUES.get(type_, '"{0}"').format(n) for n, type_ in self.columns.items()),
            "arrays": self._arrays(self.columns, first),
            "on_conflict": "NOTHING" if self.immutable else f"UPDATE SET {changes}",
            "key": _listed('"{0}"', self.key),
            "keys": self._arrays(self.key, first),
            "matches": " AND ".join(f't."{name}" = gone."{name}"' for name in self.key),
            "subject": f'"{self.subject}"',
            "order": _listed('"{0}"', dict.fromkeys((self.subject, *self.order))),
        }

    def _arrays(self, names: Iterable[str], first: int) -> str:
        """Return the parameters of columns: one array each."""
        types = (self.columns[name].removesuffix("[]") for name in names)
        return ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, start=first))

    def _gives_up(self, old: Row, new: Row | None) -> bool:
        """Return whether a changed row gives up a unique value and takes another."""
        if new is None or not (taken := self._held(new)):
            return False
        return not self._held(old) <= taken

    def _held(self, row: Row) -> set[Row]:
        """Return the unique values that a row holds."""
        return {
            (claim, *(row[place] for place in places))
            for claim, (places, state, free) in enumerate(self._claimed)
            if row[state] not in free
        }

    def _turn(self, row: Row) -> tuple[bool, Any]:
        """Return the sort key for writing a row: rows with unique values last, then by key."""
        return any(row[state] not in free for _, state, free in self._claimed), self.key_of(row)

    def _places(self, names: Iterable[str]) -> list[int]:
        every = list(self.columns)
        return [every.index(name) for name in names]

    @cached_property
    def _claimed(self) -> list[tuple[list[int], int, frozenset[object]]]:
        return [
            (self._places(claim.columns), self._places([claim.state])[0], claim.free) for claim in self.claims
        ]

    @cached_property
    def _lists(self) -> frozenset[int]:
        return frozenset(place for place, type_ in enumerate(self.columns.values()) if type_ == LIST)

    @cached_property
    def _names(self) -> list[str]:
        return list(get_type_hints(self.kind))

    @cached_property
    def _fields_of(self) -> Callable[[object], Row]:
        return attrgetter(*self._names)


def _listed(pattern: str, names: Iterable[str]) -> str:
    return ", ".join(map(pattern.format, names))


def columns_of(kind: type[Any], without: Iterable[str] = ()) -> dict[str, str]:
    """Return the columns for the fields of a class of values, by the types of the fields."""
    left_out = set(without)
    return {name: _sql_type(type_) for name, type_ in get_type_hints(kind).items() if name not in left_out}


def _sql_type(annotation: object) -> str:
    """Return the SQL type of an annotation; raises KeyError for one that a column cannot hold."""
    if NoneType in get_args(annotation):
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    origin = get_origin(annotation)
    if origin is Literal:
        return "text"
    return LIST if origin is tuple else SQL_TYPES[cast(type[Any], annotation)]
