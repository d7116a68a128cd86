"""Rosters as CSV files: each line says something of a person, or has a mistake that names its line and column."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from dispatch.domain.places.service_area import Area
from dispatch.services.core.csv_tables import TableRow, parse_table
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.phone_numbers import HOME, e164
from dispatch.services.people import roster_cells as cells
from dispatch.services.people import roster_dates as dates
from dispatch.services.people.roster_columns import heading_line, named, read_columns
from dispatch.services.people.roster_entry import RosterEntry
from dispatch.services.people.roster_places import check_place, is_far, read_place
from dispatch.services.people.roster_problems import Problems
from schemas.base import Position

T = TypeVar("T")
ERRORS = {"#N/A", "#REF!", "#VALUE!", "#VALEUR!", "#NAME?", "#NOM?", "#DIV/0!", "#NUM!", "#NOMBRE!", "#NULL!"}
TRACES = ("Ã©", "Ã¨", "Ã«", "Ã§", "Ã´", "Ã¯", "Ã¼", "Ã‰", "â€", "\ufffd")
"""What accented letters look like after they were read in the wrong encoding."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: the day, the organisation's country, area, skills and stations, and columns to ignore."""

    today: date
    country: str = HOME
    area: Area | None = None
    skills: Collection[str] = ()
    ignored: Collection[str] = ()
    stations: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class RosterLine:
    """What one line of a file says."""

    line: int
    entry: RosterEntry


@dataclass(slots=True)
class RosterFile:
    """A file as read: its columns, its valid lines, what is wrong with the others, and what is odd.

    `phones` has the number of each line, valid or not; `entries` what its first line says;
    `unknown_people` is the number of lines without a readable one.
    """

    columns: Collection[str]
    lines: list[RosterLine] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    warnings: Problems = field(default_factory=Problems)
    phones: dict[str, int] = field(default_factory=dict)
    entries: dict[str, RosterEntry] = field(default_factory=dict)
    unknown_people: int = 0


def read_roster(text: str, reading: Reading, progress: Callable[[int], None] = lambda _: None) -> RosterFile:
    """Read a file, reporting the lines as they are read.

    Raises InvalidError where it has no table, no line, or columns that nothing reads.
    """
    table = parse_table(text, twice=True)
    columns = read_columns(table.headers, reading.ignored, heading_line(text))
    if not table.rows and not table.problems:
        raise InvalidError("file", "no line below the names of the columns. Nothing was imported")
    file = RosterFile(named(columns))
    for problem in table.problems:
        file.problems.add(problem.line, "", problem.message)
        file.unknown_people += 1
    for row in table.rows:
        _read_line(file, row, columns, reading)
        progress(row.line)
    return file


def _read_line(file: RosterFile, row: TableRow, columns: Mapping[str, str], reading: Reading) -> None:
    """Add a line to the valid ones, or each of its mistakes to the problems."""
    said = {column: row.cells[cell] for cell, column in columns.items() if row.cells[cell]}
    if fault := _fault(row, said):
        file.problems.add(row.line, *fault)
        file.unknown_people += 1
        return
    entry = _Line(file, row.line, reading).entry(said)
    if entry is not None:
        file.entries[entry.phone] = entry
        file.lines.append(RosterLine(row.line, entry))


def _fault(row: TableRow, said: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the column and the mistake of a line whose cells are not those that were meant."""
    if row.lacking:
        cells_lacking = (
            f"{row.lacking} cell{'s' if row.lacking > 1 else ''} fewer than the first line has columns"
        )
        return "", f"{cells_lacking}: a cell or a separator is missing"
    for column, cell in said.items():
        if "\n" in cell or "\r" in cell:
            return column, "the cell goes on in the next line: is a quote not closed?"
        if cell in ERRORS:
            return column, "an error value of a spreadsheet's formula"
    return None


@dataclass(slots=True)
class _Line:
    """One line while it is read."""

    file: RosterFile
    number: int
    reading: Reading
    sound: bool = True

    def entry(self, said: Mapping[str, str]) -> RosterEntry | None:
        """Return what the line says, or None after its mistakes were noted."""
        today, columns = self.reading.today, self.file.columns
        entry = RosterEntry(
            phone=self._phone(said.get("phone", "")),
            name=self._name(said),
            birth_date=self._birth_date(said.get("birth_date"), today),
            home=self._home(said),
            language=self._read(said.get("language"), cells.read_language),
            skills=self._read(
                said.get("skills", "") if "skills" in columns else None,
                lambda text: cells.read_skills(text, self.reading.skills, today),
            ),
            consent=self._read(said.get("consent", "") if "consent" in columns else None, cells.read_consent),
            availability=self._read(said.get("availability"), cells.read_availability),
            station=self._read(
                said.get("station"), lambda text: cells.read_station(text, self.reading.stations)
            ),
        )
        return entry if self._is_first(entry) and self.sound else None

    def _read(self, text: str | None, read: Callable[[str], T]) -> T | None:
        return None if text is None else self._checked(lambda: read(text))

    def _checked(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except InvalidError as error:
            self._wrong(error.field, str(error))
            return None

    def _wrong(self, column: str, message: str) -> None:
        self.file.problems.add(self.number, column, message)
        self.sound = False

    def _phone(self, text: str) -> str:
        """Return the number of the line's person."""
        if not text:
            self.file.unknown_people += 1
            self._wrong("phone", "empty; without a number nobody can be called, or recognised")
            return ""
        phone = self._read(text, lambda spelt: e164(spelt, region=self.reading.country))
        if phone is None:
            self.file.unknown_people += 1
            return ""
        self.file.phones.setdefault(phone, self.number)
        return phone

    def _is_first(self, entry: RosterEntry) -> bool:
        """Return whether no earlier line has this number; one that says the same is read once, without a mistake."""
        earlier = self.file.phones.get(entry.phone, self.number)
        if earlier == self.number:
            return True
        if self.sound and self.file.entries.get(entry.phone) == entry:
            self.file.warnings.add(self.number, "phone", f"says the same as line {earlier}: read once")
        else:
            self._wrong("phone", f"the same number as on line {earlier}: one number is one person")
        return False

    def _birth_date(self, text: str | None, today: date) -> date | None:
        born = self._read(text, lambda spelt: dates.read_birth_date(spelt, today))
        if born is not None and dates.is_young(born, today):
            self.file.warnings.add(
                self.number, "birth_date", f"younger than {dates.YOUNGEST}: compare the year"
            )
        return born

    def _name(self, said: Mapping[str, str]) -> str | None:
        parts = (said.get("name"), said.get("given_name"), said.get("family_name"))
        text = " ".join(part for part in parts if part)
        if any(trace in text for trace in TRACES):
            self.file.warnings.add(self.number, "name", "accents are broken: save the file as CSV UTF-8")
        return self._read(text, cells.read_name) if text else None

    def _home(self, said: Mapping[str, str]) -> Position | None:
        lat, lon = said.get("lat"), said.get("lon")
        if not lat and not lon:
            return None
        if not (lat and lon):
            self._wrong("lat" if lon else "lon", "empty, beside the other coordinate")
            return None
        home = self._checked(lambda: self._place(lat, lon))
        if home is not None and is_far(home, self.reading.area):
            self.file.warnings.add(self.number, "lat", "this home lies outside the organisation's area")
        return home

    def _place(self, lat: str, lon: str) -> Position:
        place = read_place(lat, lon)
        check_place(place, self.reading.area, self.reading.country)
        return place
