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


@dataclass(frozen=True, eq=False)
class Table:
    """A table with one row for each value; `columns` maps their names to SQL types, in the order of a row.

    `subject` is the column that names what a row belongs to; `order` sorts the rows of one subject. `kind` is the class
    of the values, whose fields are the last columns; before them stand those that a value has from its owner.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    subject: str
    order: tuple[str, ...]
    claims: tuple[Claim, ...] = ()
    kind: type[Any] | None = None

    async def read(self, connection: asyncpg.Connection, subjects: Sequence[UUID]) -> list[asyncpg.Record]:
        """Return the rows of subjects."""
        return await connection.fetch(self.statements["read_rows"], subjects)

    async def write(self, connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
        """Insert rows, or overwrite those of the same key, in the given order."""
        if rows:
            await connection.execute(self.statements["write_rows"], *map(list, zip(*rows, strict=True)))

    async def save(self, connection: asyncpg.Connection, before: Iterable[Row], after: Iterable[Row]) -> None:
        """Write the difference between the rows before and after.

        What holds a unique value never meets what held it before: rows that are gone, or that give up one value and
        take another, are deleted first; of the others those that hold none are written first.
        """
        old, new = {self.key_of(row): row for row in before}, {self.key_of(row): row for row in after}
        changed = {key: row for key, row in new.items() if old.get(key) != row}
        cleared = [key for key in old if key not in new or self._gives_up(old[key], changed.get(key))]
        if cleared:
            keys = zip(*sorted(cleared), strict=True) if len(self.key) > 1 else [sorted(cleared)]
            await connection.execute(self.statements["clear_rows"], *map(list, keys))
        await self.write(connection, sorted(changed.values(), key=self._turn))

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

    @cached_property
    def statements(self) -> Mapping[str, str]:
        """Return the statements of the table by the names of their templates."""
        parts = self._parts()
        names = ("read_rows", "lock_rows", "lock_free_rows", "write_rows", "clear_rows", "drop_rows")
        return {name: fill(name, **parts) for name in names}

    def _parts(self) -> dict[str, str]:
        rest = [name for name in self.columns if name not in self.key]
        return {
            "table": self.name,
            "columns": _listed('"{0}"', self.columns),
            "values": ", ".join(_VALUES.get(type_, '"{0}"').format(n) for n, type_ in self.columns.items()),
            "arrays": self._arrays(self.columns),
            "changes": _listed('"{0}" = excluded."{0}"', rest),
            "key": _listed('"{0}"', self.key),
            "keys": self._arrays(self.key),
            "matches": " AND ".join(f't."{name}" = gone."{name}"' for name in self.key),
            "subject": f'"{self.subject}"',
            "order": _listed('"{0}"', dict.fromkeys((self.subject, *self.order))),
        }

    def _arrays(self, names: Iterable[str]) -> str:
        """Return the parameters of columns: one array each."""
        types = (self.columns[name].removesuffix("[]") for name in names)
        return ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, start=1))

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
        return bool(self._held(row)), self.key_of(row)

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
