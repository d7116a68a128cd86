"""Rosters as CSV files: each line is a volunteer, or a problem that names its line and field."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO

from pydantic import ValidationError

from dispatch.services.core.errors import InvalidError
from dispatch.services.core.phone_numbers import e164
from schemas.volunteers import VolunteerBody

COLUMNS = ("name", "phone", "language", "skills", "lat", "lon", "birth_date", "consent", "availability")
REQUIRED = {"name", "phone", "lat", "lon", "birth_date"}


@dataclass(frozen=True, slots=True)
class RosterProblem:
    """Why a line was rejected; never repeats the line's content."""

    line: int
    field: str
    message: str


def read_csv(text: str, today: date) -> tuple[list[VolunteerBody], list[RosterProblem]]:
    """Return the volunteers of a comma- or semicolon-separated file, and the problems of the rejected lines."""
    text = text.removeprefix("\ufeff").replace("\0", "")
    header = text.partition("\n")[0]
    reader = csv.DictReader(StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    if missing := sorted(REQUIRED - set(reader.fieldnames or ())):
        message = f"the first line must name the columns {','.join(COLUMNS)}"
        return [], [RosterProblem(1, missing[0], message)]
    bodies: list[VolunteerBody] = []
    problems: list[RosterProblem] = []
    lines_by_phone: dict[str, int] = {}
    for line, row in _rows(reader, problems):
        try:
            body = _parse(row)
            _check_unique(e164(body.phone), line, lines_by_phone)
            check_birth_date(body, today)
            bodies.append(body)
        except ValidationError as error:
            problems += [_problem(line, found["loc"], found["msg"]) for found in error.errors()]
        except InvalidError as error:
            problems.append(RosterProblem(line, error.field, str(error)))
    return bodies, problems


def check_birth_date(body: VolunteerBody, today: date) -> None:
    """Raise InvalidError for a birth date in the future: the age gate would shut the volunteer out, unnoticed."""
    if body.birth_date > today:
        raise InvalidError("birth_date", "in the future")


def _rows(
    reader: "csv.DictReader[str]", problems: list[RosterProblem]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells of each line that is not empty; an unclosed quote ends the file."""
    try:
        for row in reader:
            cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
            if any(cells.values()):
                yield reader.line_num, cells
    except csv.Error as error:
        problems.append(RosterProblem(reader.line_num, "", f"not readable from here on: {error}"))


def _parse(row: dict[str, str]) -> VolunteerBody:
    fields: dict[str, object] = {name: value for name, value in row.items() if value}
    fields["position"] = {name: row[name].replace(",", ".") for name in ("lat", "lon") if row[name]}
    for name in ("lat", "lon"):
        fields.pop(name, None)
    for name in ("skills", "consent"):
        fields[name] = tuple(re.findall(r"[^\s;|,]+", row[name]))
    return VolunteerBody.model_validate(fields)


def _check_unique(phone: str, line: int, lines_by_phone: dict[str, int]) -> None:
    if phone in lines_by_phone:
        raise InvalidError("phone", f"the same number as on line {lines_by_phone[phone]}")
    lines_by_phone[phone] = line


def _problem(line: int, place: tuple[int | str, ...], message: str) -> RosterProblem:
    """Name the file's column instead of the model's field."""
    names = [str(part) for part in place if isinstance(part, str) and part != "position"]
    return RosterProblem(line, names[0] if names else "lat", message)
