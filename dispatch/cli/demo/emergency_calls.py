"""The calls that the demo replays: the packaged extract, or a file of reports under a map."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

from dispatch.clock import Clock
from dispatch.domain.places.service_area import implausible
from dispatch.services.core.csv_tables import read_table
from dispatch.services.core.errors import InvalidError
from dispatch.services.intake.file_problems import by_message, lines_text
from dispatch.services.intake.report_files import FileReport, read_file
from dispatch.services.intake.report_maps import ReportMap, read_map
from schemas.base import Position, Severity

DATA = files("dispatch.cli.demo") / "data"
EXTRACT = "sf_calls"
WHOLE_HOURS = 24.0
"""The hours of a file that are replayed unless fewer are asked for."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call with a time and a place."""

    id: str
    received_at: datetime
    kind: str
    severity: Severity
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls to replay in order of time, where they come from, and what was left out of the file."""

    calls: tuple[Call, ...]
    name: str
    zone: str
    units: int
    assumptions: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class CallsUnreadableError(Exception):
    """The calls of a file cannot be replayed; the message names each mistake once, with all its lines."""


def load(
    path: Path | None = None,
    map_file: Path | None = None,
    *,
    skip_bad: bool = False,
    hours: float = WHOLE_HOURS,
) -> Calls:
    """Return the calls of the busiest hours of a file (None: the packaged extract); raises CallsUnreadableError."""
    if path is None:
        with as_file(DATA / f"{EXTRACT}.csv") as calls, as_file(DATA / f"{EXTRACT}.yaml") as shipped:
            return replace(load(calls, shipped, hours=hours), left_out=())
    try:
        given = read_map(map_file) if map_file else None
        found = read_file(read_table(path), given, "actual", Clock().now())
    except InvalidError as error:
        raise CallsUnreadableError(str(error)) from None
    problems = [f"{path}:{text}" for text in by_message(found.problems)]
    if problems and not skip_bad:
        cure = "correct these lines, or leave them out with --skip-bad"
        raise CallsUnreadableError("\n".join([*problems, cure]))
    usable = [one for one in found.reports if one.timed and _is_placed(one.read.body.position)]
    if not usable:
        raise CallsUnreadableError(f"{path}: holds no call with a time and a place")
    lacking = {one.line for one in found.reports} - {one.line for one in usable}
    if lacking:
        problems.append(f"{path}:{lines_text(lacking)}: without a time or a place")
    return _chosen(usable, given, path, problems, timedelta(hours=hours))


def _chosen(
    usable: Sequence[FileReport], given: ReportMap | None, path: Path, problems: list[str], span: timedelta
) -> Calls:
    """Return the calls of the busiest hours, or all where they are few hours."""
    pairs = sorted(
        ((_call(one), one.units) for one in usable), key=lambda pair: (pair[0].received_at, pair[0].id)
    )
    first, last = busiest([call.received_at for call, _ in pairs], span)
    if last - first < len(pairs):
        hours = f"{span.total_seconds() / 3600:g}"
        problems.append(f"{path}: {last - first} of {len(pairs)} calls are replayed: the busiest {hours} h")
    name = given.name if given else path.stem
    zone = given.time_zone if given and given.time_zone else "UTC"
    said = given.assumptions if given else ()
    calls = tuple(call for call, _ in pairs[first:last])
    return Calls(calls, name, zone, sum(units for _, units in pairs[first:last]), said, tuple(problems))


def _is_placed(position: Position | None) -> bool:
    return position is not None and implausible(position, None) is None


def busiest(times: Sequence[datetime], span: timedelta) -> tuple[int, int]:
    """Return the first call and the one after the last of the busiest span; `times` must be sorted."""
    windows = [(bisect_left(times, start + span) - index, -index) for index, start in enumerate(times)]
    calls, index = max(windows)
    return -index, -index + calls


def _call(one: FileReport) -> Call:
    body = one.read.body
    if body.position is None:
        raise ValueError(f"line {one.line} has no place")
    position = body.position
    return Call(body.id, body.occurred_at, body.kind, body.severity, position.lat, position.lon)
