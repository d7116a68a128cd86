"""`dispatch report`: send one report, or a CSV file of reports."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from pydantic import ValidationError

from dispatch.cli.connection import run
from dispatch.cli.degrees import Latitude, Longitude, Place, place
from dispatch.cli.output import (
    Json,
    Whose,
    fail,
    organisation_of,
    print_json,
    problem,
    screen,
    warning,
)
from dispatch.cli.report_sheets import Sheet, report_sheet, until_accepted
from dispatch.config import MisuseError, Settings
from dispatch.services.access import organisations
from dispatch.services.core.errors import InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.local_times import read_time
from dispatch.services.intake.salvaging import ReadReport, read_report
from dispatch.services.intake.submitting import Accepted, Submission, advice_to
from dispatch.services.plans.plan_files import PlansError, load
from dispatch.services.plans.vocabulary import unknown_kind
from schemas.base import Mode, Severity
from schemas.ids import new_id
from schemas.invalid_fields import sentence

HIGHEST_LATITUDE = 90

Fields = dict[str, Any]
Advice = dict[str, str] | None


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
    hazard: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    description: str | None = None,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    sheet: Annotated[Path | None, Parameter(name="--csv")] = None,
    map_file: Annotated[Path | None, Parameter(name="--map")] = None,
    dry_run: bool = False,
    skip_bad: bool = False,
    organisation: Whose = None,
    json: Json = False,
) -> None:
    """Send a report, as a source would; volunteers are asked according to the plan for its kind.

    Example: dispatch report medical.cardiac_arrest --severity life_threatening --lat 48.58 --lon 7.75

    Example: dispatch report medical.fall --at "48°34'N 7°45'E"

    Example: dispatch report creche.seat --from "2026-12-01 07:30" --to "2026-12-01 12:00" --lat 48.58 --lon 7.75

    Example: dispatch report --csv calls.csv --mode exercise --dry-run

    Example: dispatch report --csv calls.csv --map city.yaml --skip-bad

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
        A hazard at the place: weapon, violence, fire, traffic, electricity or cbrn.
    description
        Free text; it stays in the database.
    from_
        When people are needed, where not now: a local time of the organisation, or one with its offset.
    to
        Until when they are needed.
    sheet
        A CSV file with the columns id,kind,severity,lat,lon,occurred_at,professional_reference,description,hazards,
        and from,to where people are needed at another time.
    map_file
        A YAML file that says which columns and words of the CSV file mean what.
    dry_run
        Send nothing: say how many reports have a plan, a place and a time.
    skip_bad
        Leave out the lines that cannot be read; without it, nothing is sent while there are any.
    """
    if (kind is None) == (sheet is None):
        raise MisuseError("name a KIND, or a file with --csv FILE")
    if sheet is not None:
        whole = Sheet(sheet, map_file, source, mode, skip_bad)
        report_sheet(whole, organisation, dry_run=dry_run, json=json)
        return
    if map_file is not None or dry_run or skip_bad:
        raise MisuseError("--map, --dry-run and --skip-bad go with --csv FILE")
    if at is not None:
        if (lat, lon) != (None, None):
            raise MisuseError("say where with --at, or with --lat and --lon")
        where = place(at)
        lat, lon = where.lat, where.lon
    if (from_ is None) != (to is None):
        raise MisuseError("say when people are needed with both --from and --to")
    name = id or f"cli-{new_id()}"
    fields: Fields = {
        "id": name, "kind": kind, "severity": severity, "mode": mode, "lat": lat, "lon": lon,
        "professional_reference": reference, "description": description, "hazards": tuple(hazard or ()),
        "from": from_, "to": to,
    }  # fmt: skip
    try:
        accepted, advice = run(lambda uow: _report(uow, organisation, source, fields))
    except ValidationError as error:
        fail(explain(error), 2)
    _print(name, accepted, advice, json=json)
    _warn_of_kind(str(kind))


def _warn_of_kind(kind: str) -> None:
    """Say where no plan names the kind, which may be misspelt; the report is accepted all the same."""
    folder = Settings().plans
    with suppress(PlansError):
        if found := unknown_kind(load(folder), kind):
            read = f"the plans in {folder}" if folder else "the shipped plans, since DISPATCH_PLANS is empty"
            warning(f"warning: {found} ({read}; running processes use those of their start)")


async def _report(uow: UnitOfWork, name: str | None, source: str, fields: Fields) -> tuple[Accepted, Advice]:
    organisation = await organisation_of(uow, name)
    if fields["from"]:
        zone = ZoneInfo((await organisations.get(uow, organisation)).zone)
        ends = {end: _local_time(fields[end], zone, end) for end in ("from", "to")}
        fields = {**fields, **ends}
    read = _read(fields, uow.clock.now())
    submission = Submission(organisation, source, "cli", read.body, read.salvaged)
    return await until_accepted(uow, Admission(uow), submission), advice_to(read.body)


def _local_time(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        return read_time(text, zone, None, option, ", or 2026-11-22 20:05 on the organisation's clock")
    except InvalidError as error:
        raise MisuseError(f"--{option}: {error}") from None


def _print(id_: str, accepted: Accepted, advice: Advice, *, json: bool) -> None:
    if json:
        print_json(
            {
                "report_id": accepted.report_id,
                "id": id_,
                "repeated": accepted.repeated,
                "dropped": accepted.dropped,
                "advice": advice,
            }
        )
        return
    known = " (it was known already)" if accepted.repeated else ""
    screen.print(f"[green]report[/] {accepted.report_id}{known}")
    if accepted.dropped:
        problem(f"accepted without what is not valid: {', '.join(accepted.dropped)}")
    for told in (advice or {}).values():
        warning(told)


def _read(values: Fields, now: datetime) -> ReadReport:
    """Return a report from flat fields, without the empty ones; raises ValidationError."""
    fields = {name: value for name, value in values.items() if value not in {None, "", ()}}
    place = {name: fields.pop(name) for name in ("lat", "lon") if name in fields}
    window = {name: fields.pop(name) for name in ("from", "to") if name in fields}
    reference = fields.pop("professional_reference", None)
    fields.setdefault("occurred_at", now)
    if place:
        fields["position"] = place
    if window:
        fields["window"] = window
    if reference:
        fields["professional"] = {"requested": True, "reference": reference}
    return read_report(fields, now)


def explain(error: ValidationError) -> str:
    """Describe the invalid fields by the names of the options."""
    found = error.errors(include_url=False)
    return "; ".join(f"{_column(one['loc'])}: {sentence(one, shown=True)}{_swapped(one)}" for one in found)


def _column(place: tuple[int | str, ...]) -> str:
    names = [str(part) for part in place if part not in {"position", "professional", "window"}]
    whole = "to" if place[0] == "window" else "lat"
    return "professional_reference" if names == ["reference"] else ".".join(names) or whole


def _swapped(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    """Return a hint at the usual cause of an impossible latitude."""
    try:
        off = error["loc"][-1] == "lat" and abs(float(error["input"])) > HIGHEST_LATITUDE
    except (TypeError, ValueError):
        return ""
    return "; are lat and lon swapped?" if off else ""
