"""`dispatch report`: send one report, or a CSV file of reports."""

import asyncio
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter
from pydantic import ValidationError

from dispatch.cli.connection import run
from dispatch.cli.csv_files import read_text
from dispatch.cli.degrees import Latitude, Longitude, Place, place
from dispatch.cli.output import (
    Json,
    Whose,
    counted,
    fail,
    organisation_of,
    print_json,
    problem,
    progress,
    screen,
)
from dispatch.config import MisuseError
from dispatch.services.core.errors import ConflictError, InvalidError, OverloadedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.submitting import Accepted, Submission
from schemas.base import Hazard, Mode, Severity
from schemas.ids import new_id
from schemas.reports import ReportBody

COLUMNS = ("id", "kind", "severity", "lat", "lon", "occurred_at", "professional_reference", "description")
REQUIRED = {"id", "kind"}
HIGHEST_LATITUDE = 90

Fields = dict[str, Any]


class SheetRow(NamedTuple):
    """One line of a CSV file."""

    line: int
    cells: Fields
    surplus: bool


@dataclass(slots=True)
class Tally:
    """How many lines of a CSV file were accepted and repeated, and the problems of the others."""

    accepted: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)


def report(
    kind: str | None = None,
    *,
    at: Place = None,
    lat: Latitude = None,
    lon: Longitude = None,
    severity: Severity = "urgent",
    id: str | None = None,  # noqa: A002 - the option's name
    source: str = "control-room",
    mode: Mode = "actual",
    reference: str | None = None,
    hazard: Annotated[list[Hazard] | None, Parameter(consume_multiple=True, negative="")] = None,
    description: str | None = None,
    sheet: Annotated[Path | None, Parameter(name="--csv")] = None,
    organisation: Whose = None,
    json: Json = False,
) -> None:
    """Send a report, as a source would; volunteers are asked according to the plan for its kind.

    Example: dispatch report medical.cardiac_arrest --severity life_threatening --lat 48.58 --lon 7.75

    Example: dispatch report medical.fall --at "48°34'N 7°45'E"

    Example: dispatch report --csv calls.csv --mode exercise

    Parameters
    ----------
    kind
        What happened, such as medical.cardiac_arrest or fire.building.
    at
        Where, as people write it: 48.58, 7.75 or 48,58; 7,75 or 48°34'N 7°45'E or geo:48.58,7.75.
    lat
        Where, in degrees.
    lon
        Where, in degrees.
    severity
        How severe it is.
    id
        The source's own id; a second report with the same id is the same report. Default: a new id.
    source
        The source of the report; a plan names the sources that it trusts.
    mode
        The mode; only `actual` reaches people who did not opt into drills.
    reference
        The reference under which the professional response was requested.
    hazard
        A hazard at the place.
    description
        Free text; it stays in the database.
    sheet
        A CSV file with the columns id,kind,severity,lat,lon,occurred_at,professional_reference,description.
    """
    if (kind is None) == (sheet is None):
        raise MisuseError("name a KIND, or a file with --csv FILE")
    if sheet is not None:
        _report_sheet(sheet, source, mode, organisation, json=json)
        return
    if at is not None:
        if (lat, lon) != (None, None):
            raise MisuseError("say where with --at, or with --lat and --lon")
        where = place(at)
        lat, lon = where.lat, where.lon
    name = id or f"cli-{new_id()}"
    fields: Fields = {
        "id": name, "kind": kind, "severity": severity, "mode": mode, "lat": lat, "lon": lon,
        "professional_reference": reference, "description": description, "hazards": tuple(hazard or ()),
    }  # fmt: skip
    try:
        accepted = run(lambda uow: _report(uow, organisation, source, fields))
    except ValidationError as error:
        fail(explain(error), 2)
    _print(name, accepted, json=json)


async def _report(uow: UnitOfWork, name: str | None, source: str, fields: Fields) -> Accepted:
    organisation = await organisation_of(uow, name)
    submission = Submission(organisation, source, "cli", _body(fields, uow.clock.now()))
    return await _until_accepted(uow, Admission(uow), submission)


async def _until_accepted(uow: UnitOfWork, admission: Admission, submission: Submission) -> Accepted:
    """Send a report, and again after each rejection for overload, when the server asks for it."""
    while True:
        try:
            return await submitting.accept(
                uow, organisation=submission.organisation, source=submission.source, channel="cli",
                body=submission.body, admission=admission,
            )  # fmt: skip
        except OverloadedError as refused:
            problem(f"{refused}: again in {refused.retry_after_s} s")
            await asyncio.sleep(refused.retry_after_s)


def _print(id_: str, accepted: Accepted, *, json: bool) -> None:
    if json:
        print_json({"report_id": accepted.report_id, "id": id_, "repeated": accepted.repeated})
    else:
        known = " (it was known already)" if accepted.repeated else ""
        screen.print(f"[green]report[/] {accepted.report_id}{known}")


def _body(values: Fields, now: datetime) -> ReportBody:
    """Return a report from flat fields, without the empty ones."""
    fields = {name: value for name, value in values.items() if value not in {None, "", ()}}
    place = {name: fields.pop(name) for name in ("lat", "lon") if name in fields}
    reference = fields.pop("professional_reference", None)
    fields.setdefault("occurred_at", now)
    if place:
        fields["position"] = place
    if reference:
        fields["professional"] = {"requested": True, "reference": reference}
    return ReportBody.model_validate(fields)


def _report_sheet(file: Path, source: str, mode: Mode, name: str | None, *, json: bool) -> None:
    rows = list(_rows(file))
    tally = run(lambda uow: _report_rows(uow, name, source, mode, rows))
    for text in tally.problems:
        problem(f"{file}:{text}")
    if json:
        print_json(tally)
    else:
        again = f", {tally.repeated} known already" if tally.repeated else ""
        screen.print(f"[green]{counted(tally.accepted, 'report')}[/] accepted{again}")
    if tally.problems:
        fail(f"{len(tally.problems)} of {len(rows)} lines were left out")


def _rows(file: Path) -> Iterator[SheetRow]:
    text = read_text(file)
    header = text.partition("\n")[0]
    reader = csv.DictReader(StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    if missing := sorted(REQUIRED - set(reader.fieldnames or ())):
        raise MisuseError(f"{file}: no column {missing[0]}; the first line names {','.join(COLUMNS)}")
    for row in reader:
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        yield SheetRow(reader.line_num, cells, surplus=None in row)


async def _report_rows(
    uow: UnitOfWork, name: str | None, source: str, mode: Mode, rows: list[SheetRow]
) -> Tally:
    organisation, admission, tally = await organisation_of(uow, name), Admission(uow), Tally()
    with progress() as shown:
        for row in shown.track(rows, description="reports"):
            try:
                body = _body(_whole(row) | {"mode": mode}, uow.clock.now())
                submission = Submission(organisation, source, "cli", body)
                accepted = await _until_accepted(uow, admission, submission)
            except (ValidationError, InvalidError, ConflictError) as error:
                tally.problems.append(f"{row.line}: {explain(error)}")
            else:
                tally.repeated += accepted.repeated
                tally.accepted += not accepted.repeated
    return tally


def _whole(row: SheetRow) -> Fields:
    """Return the cells of a line; raises InvalidError where a comma that is not quoted has split a description."""
    if row.surplus:
        raise InvalidError("description", "more cells than columns: quote what holds a comma")
    return row.cells


def explain(error: ValidationError | InvalidError | ConflictError) -> str:
    """Describe the invalid fields by the columns of the CSV file."""
    if isinstance(error, InvalidError):
        return f"{error.field}: {error}"
    if isinstance(error, ConflictError):
        return f"id: {error}"
    found = error.errors(include_url=False, include_context=False)
    return "; ".join(f"{_column(one['loc'])}: {one['msg']}{_swapped(one)}" for one in found)


def _column(place: tuple[int | str, ...]) -> str:
    names = [str(part) for part in place if part not in {"position", "professional"}]
    return "professional_reference" if names == ["reference"] else ".".join(names) or "lat"


def _swapped(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    """Return a hint at the usual cause of an impossible latitude."""
    try:
        off = error["loc"][-1] == "lat" and abs(float(error["input"])) > HIGHEST_LATITUDE
    except (TypeError, ValueError):
        return ""
    return "; are lat and lon swapped?" if off else ""
