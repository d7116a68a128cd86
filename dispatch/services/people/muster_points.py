"""Stations and other named points where people gather: kept by hand, by HTTP, or from a CSV file."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from pydantic import TypeAdapter, ValidationError

from dispatch.domain.places.service_area import Area
from dispatch.services.access import organisations
from dispatch.services.core.csv_tables import check_columns, folded, nearest, parse_table
from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.roster_places import check_place, read_place
from dispatch.services.people.roster_problems import Problems
from dispatch.storage.queries import bound, columns, sql
from schemas.base import MusterName, Position
from schemas.plans import RESERVED

Kind = Literal["station", "point"]
COLUMNS = ("name", "kind", "lat", "lon")
HEADINGS = {"nom": "name", "type": "kind", "genre": "kind", "latitude": "lat", "longitude": "lon"}
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("station", "fire_station", "centre", "cis", "csp", "cpi", "caserne"), "station"),
    **dict.fromkeys(("point", "place", "lieu", "rassemblement"), "point"),
}  # fmt: skip
ALIKE = 0.6
"""The least similarity of an unknown station to the one that is suggested."""
NAME = TypeAdapter(MusterName)


class Point(NamedTuple):
    """A muster point as it is given."""

    name: str
    kind: Kind
    lat: float
    lon: float


class ListedPoint(NamedTuple):
    """A muster point with the number of its members."""

    name: str
    kind: Kind
    lat: float
    lon: float
    members: int


class Row(NamedTuple):
    """A muster point as `put_muster_points` takes it."""

    id: UUID
    kind: Kind
    name: str
    lat: float
    lon: float


@dataclass(slots=True)
class PointsFile:
    """The valid points of a file, and what is wrong with its other lines."""

    points: dict[str, Point] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)


async def listed(uow: UnitOfWork, organisation: UUID) -> list[ListedPoint]:
    """Return the muster points of an organisation by name."""
    return [ListedPoint(*row) for row in await uow.pool.fetch(sql("list_muster_points"), organisation)]


async def put(uow: UnitOfWork, organisation: UUID, points: Sequence[Point]) -> None:
    """Add points, or change those with these names; raises InvalidError, and changes nothing then."""
    whose = await organisations.get(uow, organisation)
    for point in points:
        check(point, whose.area, whose.country)

    async def inside(connection: asyncpg.Connection, _now: datetime) -> None:
        known = [row["name"] for row in await connection.fetch(sql("muster_point_names"), organisation)]
        _check_spelling(points, known)
        rows = [Row(uuid4(), one.kind, one.name, one.lat, one.lon) for one in points]
        await connection.execute(*bound("put_muster_points", organisation=organisation, **columns(Row, rows)))

    if points:
        await uow.transact(inside)


async def remove(uow: UnitOfWork, organisation: UUID, name: str) -> None:
    """Remove a point: its members have no station then, and are not asked for it. Raises NotFoundError."""

    async def inside(connection: asyncpg.Connection, _now: datetime) -> object:
        return await connection.fetchval(sql("remove_muster_point"), organisation, name)

    if await uow.transact(inside) is None:
        raise NotFoundError("there is no such muster point: `dispatch muster list` lists them")


def _check_spelling(points: Sequence[Point], known: Sequence[str]) -> None:
    """Raise InvalidError for a known point that is spelt otherwise: rosters name stations in any spelling."""
    by_word = {folded(name): name for name in known}
    for point in points:
        if (name := by_word.get(folded(point.name), point.name)) != point.name:
            raise InvalidError(
                "name", f"`{point.name}` is known as `{name}`: write it so, or remove that one first"
            )


def check(point: Point, area: Area | None, country: str) -> None:
    """Raise InvalidError for a name that plans cannot use, for 0,0 and for exchanged coordinates."""
    try:
        NAME.validate_python(point.name)
    except ValidationError:
        raise InvalidError("name", "write up to 60 letters, without , and ;, such as CIS Barr") from None
    if folded(point.name) in RESERVED:
        raise InvalidError("name", f"`{point.name}` is a word of plans: write a name, such as CIS Barr")
    check_place(Position(lat=point.lat, lon=point.lon), area, country)


async def read_file(uow: UnitOfWork, organisation: UUID, text: str) -> PointsFile:
    """Read a CSV file of points; raises InvalidError where it has no table, or lacks a column."""
    whose = await organisations.get(uow, organisation)
    table = parse_table(text)
    meant = {cell: HEADINGS.get(folded(cell), folded(cell)) for cell in table.headers}
    check_columns(list(meant.values()), COLUMNS, COLUMNS)
    file = PointsFile()
    for unread in table.problems:
        file.problems.add(unread.line, "", unread.message)
    for row in table.rows:
        cells = {meant[cell]: value.strip() for cell, value in row.cells.items()}
        _add(file, row.line, cells, lambda point: check(point, whose.area, whose.country))
    return file


def _add(file: PointsFile, line: int, cells: Mapping[str, str], check_: Callable[[Point], None]) -> None:
    try:
        place = read_place(cells["lat"], cells["lon"])
        point = Point(cells["name"], _kind(cells["kind"]), place.lat, place.lon)
        check_(point)
    except InvalidError as error:
        file.problems.add(line, error.field, str(error))
        return
    if file.points.setdefault(folded(point.name), point) is not point:
        file.problems.add(line, "name", "the name is on an earlier line, too")


def _kind(text: str) -> Kind:
    try:
        return KINDS[folded(text)]
    except KeyError:
        raise InvalidError("kind", "write station or point (centre, lieu)") from None


async def station_names(connection: asyncpg.Connection | asyncpg.Pool, organisation: UUID) -> list[str]:
    """Return the names of an organisation's stations."""
    return [row["name"] for row in await connection.fetch(sql("stations_by_name"), organisation)]


def known_station(text: str, names: Collection[str]) -> str:
    """Return the station that a text names, in any spelling; raises InvalidError that suggests one."""
    by_word = {folded(name): name for name in names}
    if (found := by_word.get(folded(text))) is not None:
        return found
    meant = nearest(text, names, ALIKE)
    hint = f"; did you mean `{meant}`?" if meant else ": `dispatch muster import` adds stations"
    raise InvalidError("station", f"no station has this name{hint}")
