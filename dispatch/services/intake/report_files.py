"""Files of reports: each line is a report, the same report as an earlier line, or a problem with its line and field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from dispatch.domain.scheduling import windows
from dispatch.services.core.csv_tables import Table, TableRow, check_columns, folded, meant
from dispatch.services.core.errors import InvalidError
from dispatch.services.intake.file_problems import FileProblem, LineError
from dispatch.services.intake.local_times import comes_twice
from dispatch.services.intake.report_lines import cell_of, read_fields
from dispatch.services.intake.report_maps import FIELDS, ReportMap, standard_map
from dispatch.services.intake.salvaging import ReadReport, read_report
from dispatch.services.intake.submitting import time_fault
from schemas.base import Mode
from schemas.invalid_fields import sentence
from schemas.reports import ReportBody

PARTED = {"position": "position", "professional": "position", "window": "to"}
"""Fields of a report that a file has in several columns, each with the one to look at."""
INDISPENSABLE = {"id", "severity", "occurred_at"}
"""Fields without which no line is taken: what a file says of the past must not count as happening now."""


class FileReport(NamedTuple):
    """A line that is a report: `words` is what the file says of the kind, `timed` whether it says when."""

    line: int
    words: str
    units: int
    timed: bool
    read: ReadReport


@dataclass(slots=True)
class ReadFile:
    """What a file holds; `repeated` counts lines that repeat a report, `ambiguous` the times that come twice."""

    reports: list[FileReport] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    repeated: int = 0
    ambiguous: int = 0

    @property
    def lines(self) -> int:
        """Return how many lines there are, the empty ones apart."""
        return len(self.reports) + self.repeated + len({problem.line for problem in self.problems})


def read_file(table: Table, given: ReportMap | None, mode: Mode, now: datetime) -> ReadFile:
    """Return the reports of a table under a map; without one, its columns have the names of the fields.

    Raises InvalidError where the columns are not those that the map names, or unknown without one.
    """
    used = given or _standard(table)
    check_named(table, used)
    found = ReadFile(problems=[FileProblem(one.line, "", one.message) for one in table.problems])
    first: dict[str, int] = {}
    for row in table.rows:
        try:
            report = _report(row, used, mode, now)
        except LineError as error:
            found.problems += error.problems
            continue
        found.ambiguous += report.timed and comes_twice(report.read.body.occurred_at)
        _add(found, first, report)
    found.problems.sort()
    return found


def check_named(table: Table, used: ReportMap) -> None:
    """Raise InvalidError for the columns of a map that the file does not have."""
    absent = [name for names in used.columns.values() for name in names if name not in table.headers]
    if absent:
        said = ", ".join(f"{name!r}{meant(name, table.headers)}" for name in absent)
        raise InvalidError("file", f"the map names columns that the file does not have: {said}")


def _standard(table: Table) -> ReportMap:
    by_header = {header: folded(header) if folded(header) in FIELDS else header for header in table.headers}
    names = list(by_header.values())
    check_columns(names, FIELDS, {"id", "kind"})
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidError("file", f"the column {twice!r} appears twice")
    return standard_map(by_header)


def _add(found: ReadFile, first: dict[str, int], report: FileReport) -> None:
    """Add a report, or to the one that an earlier line is: some files have a line for each unit that was sent."""
    place = first.setdefault(report.read.body.id, len(found.reports))
    if place == len(found.reports):
        found.reports.append(report)
        return
    earlier = found.reports[place]
    if earlier.read.body == report.read.body:
        found.repeated += 1
        found.reports[place] = earlier._replace(units=earlier.units + report.units)
    else:
        message = "the same id as an earlier line, with other values"
        found.problems.append(FileProblem(report.line, "id", message, report.read.body.id))


def _report(row: TableRow, used: ReportMap, mode: Mode, now: datetime) -> FileReport:
    fields = read_fields(row, used) | {"mode": mode}
    timed = "occurred_at" in fields
    fault = time_fault(fields.setdefault("occurred_at", now), now)
    if fault is not None:
        raise LineError([FileProblem(row.line, "occurred_at", fault, cell_of(row, used, "occurred_at"))])
    try:
        read = _read(fields, now)
        _check_window(read, row.line, now)
        return FileReport(row.line, cell_of(row, used, "kind"), _units(row, used), timed, read)
    except ValidationError as error:
        raise LineError(list(_invalid(row, used, error))) from None


def _check_window(read: ReadReport, line: int, now: datetime) -> None:
    """Raise LineError for an impossible window, but of a life-threatening report: that is accepted without it."""
    window = read.body.window
    fault = window and windows.fault(window.in_utc, now)
    if fault and read.body.severity != "life_threatening":
        raise LineError([FileProblem(line, "to", fault)])


def _read(fields: Mapping[str, Any], now: datetime) -> ReadReport:
    """Return a report; raises ValidationError for one that lacks a field without which no line is taken."""
    read = read_report(fields, now)
    if read.salvaged and INDISPENSABLE & set(read.salvaged.dropped):
        ReportBody.model_validate(fields)
    return read


def _units(row: TableRow, used: ReportMap) -> int:
    text = cell_of(row, used, "units")
    return int(text) if text.isascii() and text.isdigit() else 1


def _invalid(row: TableRow, used: ReportMap, error: ValidationError) -> Iterator[FileProblem]:
    for one in error.errors(include_url=False):
        name = column_of(one["loc"])
        yield FileProblem(row.line, name, sentence(one), cell_of(row, used, name) if name in FIELDS else "")


def column_of(place: Sequence[int | str]) -> Any:  # noqa: ANN401 - one of FIELDS where there is one
    """Return the column of a field of a report."""
    names = [part for part in place if isinstance(part, str) and part not in PARTED]
    return "professional_reference" if names == ["reference"] else ".".join(names) or PARTED[str(place[0])]
