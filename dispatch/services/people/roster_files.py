"""Rosters as spreadsheets: each line is a volunteer, or a problem that names line and field."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO

from pydantic import ValidationError

from dispatch.services.core.errors import InvalidError
from dispatch.services.core.phones import e164
from schemas.volunteers import VolunteerBody

COLUMNS = ("name", "phone", "language", "skills", "lat", "lon", "birth_date", "consent", "availability")
REQUIRED = {"name", "phone", "lat", "lon", "birth_date"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line was left out, without what it holds."""

    line: int
    field: str
    message: str


def read_csv(text: str, today: date) -> tuple[list[VolunteerBody], list[Problem]]:
    """Read the volunteers of a sheet, comma- or semicolon-separated, and the problems of the other lines."""
    text = text.removeprefix("\ufeff").replace("\0", "")
    header = text.partition("\n")[0]
    reader = csv.DictReader(StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    if missing := sorted(REQUIRED - set(reader.fieldnames or ())):
        return [], [Problem(1, missing[0], f"the first line must name the columns {','.join(COLUMNS)}")]
    bodies: list[VolunteerBody] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, row in _rows(reader, problems):
        try:
            body = _body(row)
            _once(e164(body.phone), line, seen)
            check_born(body, today)
            bodies.append(body)
        except ValidationError as error:
            problems += [_problem(line, found["loc"], found["msg"]) for found in error.errors()]
        except InvalidError as error:
            problems.append(Problem(line, error.field, str(error)))
    return bodies, problems


def check_born(body: VolunteerBody, today: date) -> None:
    """Raise InvalidError for a birth date to come: a mistyped century would keep somebody uncalled, and unseen."""
    if body.birth_date > today:
        raise InvalidError("birth_date", "in the future")


def _rows(reader: "csv.DictReader[str]", problems: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the lines that can be read at all; a broken quote ends the sheet."""
    try:
        for row in reader:
            cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
            if any(cells.values()):
                yield reader.line_num, cells
    except csv.Error as error:
        problems.append(Problem(reader.line_num, "", f"not readable from here on: {error}"))


def _body(row: dict[str, str]) -> VolunteerBody:
    given: dict[str, object] = {name: value for name, value in row.items() if value}
    given["position"] = {name: row[name].replace(",", ".") for name in ("lat", "lon") if row[name]}
    for name in ("lat", "lon"):
        given.pop(name, None)
    for name in ("skills", "consent"):
        given[name] = tuple(re.findall(r"[^\s;|,]+", row[name]))
    return VolunteerBody.model_validate(given)


def _once(phone: str, line: int, seen: dict[str, int]) -> None:
    if phone in seen:
        raise InvalidError("phone", f"the same number as on line {seen[phone]}")
    seen[phone] = line


def _problem(line: int, place: tuple[int | str, ...], message: str) -> Problem:
    """Name the column rather than the model's field."""
    names = [str(part) for part in place if isinstance(part, str) and part != "position"]
    return Problem(line, names[0] if names else "lat", message)
