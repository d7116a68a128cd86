"""Emergency calls, read from the packaged extract or from a DataSF export with one row per unit sent."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from importlib.resources import as_file, files
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Severity = Literal["life_threatening", "urgent", "routine"]
Fields = dict[str, str]
EMERGENCY, NOT_EMERGENCY = 3, 2
PROBLEMS_SHOWN = 10
MAX_LAT, MAX_LON = 90, 180
LONGEST_SLUG = 50


def zone() -> tzinfo:
    """Return San Francisco's zone, or its winter offset on a system without a zone database."""
    try:
        return ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        return timezone(timedelta(hours=-8), "PST")


ZONE = zone()


@dataclass(frozen=True)
class Call:
    id: str
    received_at: datetime
    kind: str
    call_type: str
    severity: Severity
    lat: float
    lon: float
    units: int
    first_on_scene_s: float | None
    """Seconds from the call to the first professional unit on scene; None where none arrived."""


@dataclass(frozen=True)
class Classification:
    """The kind and severity of a call type at final priority 3 (emergency) and 2 (not an emergency)."""

    emergency: tuple[str, Severity]
    other: tuple[str, Severity]


def always(kind: str, severity: Severity = "urgent") -> Classification:
    return Classification((kind, severity), (kind, "routine"))


KIND_ASSUMPTIONS: dict[str, Classification] = {
    "Medical Incident": Classification(
        ("medical.cardiac_arrest", "life_threatening"), ("medical.other", "routine")
    ),
    "Structure Fire": always("fire.structure", "life_threatening"),
    "Alarms": always("fire.alarm"),
    "Outside Fire": always("fire.outside"),
    "Smoke Investigation (Outside)": always("fire.outside"),
    "Vehicle Fire": always("fire.vehicle"),
    "Citizen Assist / Service Call": always("watch.service_call", "routine"),
    "Odor (Strange / Unknown)": always("watch.odour", "routine"),
}
"""A call type that is not listed becomes the kind `other.…` and so falls under the default plan."""

ASSUMPTIONS = [
    "Kinds: a medical call at final priority 3 stands for a cardiac arrest; most of them were none.",
    "Kinds: fires, smoke and fire alarms stand for a fire that needs a crew of six.",
    "Kinds: service calls and unknown odours stand for a neighbourhood-watch notice.",
    "Kinds: every other call type goes to the default plan, professionals only.",
    "Severity: at priority 3 medical calls and structure fires are life-threatening, the others urgent.",
    "Severity: service calls, odours and all calls at priority 2 are routine.",
]


class CallsUnreadableError(Exception):
    """The file of calls contains invalid rows; each problem names the file and line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        rest = [f"… and {len(problems) - PROBLEMS_SHOWN} more"] if len(problems) > PROBLEMS_SHOWN else []
        super().__init__("\n".join(problems[:PROBLEMS_SHOWN] + rest))


Columns = dict[str, tuple[str, ...]]

EXTRACT: Columns = {
    "call": ("call",),
    "received": ("received_local",),
    "call type": ("call_type",),
    "priority": ("final_priority",),
    "position": ("lat", "lon"),
    "on scene": ("first_on_scene_local",),
    "units": ("units",),
}
DATASF: Columns = {
    "call": ("Call Number",),
    "received": ("Received DtTm",),
    "call type": ("Call Type",),
    "priority": ("Final Priority",),
    "position": ("Location",),
    "on scene": ("On Scene DtTm",),
    "units": (),
}


def load(path: Path | None = None) -> list[Call]:
    """Return the calls of a file in order of time; raises CallsUnreadableError if a row is invalid."""
    calls, problems = read(path)
    if problems:
        raise CallsUnreadableError(problems)
    return calls


def read(path: Path | None = None) -> tuple[list[Call], list[str]]:
    """Return the calls of a file (None: the packaged extract) and the problems of its invalid rows."""
    if path is None:
        with as_file(files("dispatch.cli.demo") / "data" / "sf_calls.csv") as packaged:
            return read(packaged)
    rows, problems = _rows(path)
    if not rows and not problems:
        problems = [f"{path}: holds no calls"]
    by_call = groupby(sorted(rows, key=attrgetter("id")), key=attrgetter("id"))
    calls = [_merged(list(units)) for _, units in by_call]
    return sorted(calls, key=attrgetter("received_at", "id")), problems


def _rows(path: Path) -> tuple[list[Call], list[str]]:
    good, problems = [], []
    with _open(path) as lines:
        reader = csv.DictReader(lines, restval="")
        columns = _columns(path, set(reader.fieldnames or ()))
        for row in reader:
            try:
                good.append(_row({name: ",".join(row[c] for c in parts) for name, parts in columns.items()}))
            except ValueError as problem:
                problems.append(f"{path}:{reader.line_num}: {problem}")
    return good, problems


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            yield lines
    except (UnicodeDecodeError, csv.Error) as problem:
        raise CallsUnreadableError([f"{path}: not a CSV file in UTF-8 ({problem})"]) from problem


def _columns(path: Path, header: set[str]) -> Columns:
    columns = DATASF if "Call Number" in header else EXTRACT
    if missing := sorted({column for parts in columns.values() for column in parts} - header):
        raise CallsUnreadableError([f"{path}:1: columns missing: {', '.join(missing)}"])
    return columns


def _row(fields: Fields) -> Call:
    """Read one row as a complete call; raises ValueError that names the invalid field."""
    received = _time("received", fields["received"])
    call_type = _filled("call type", fields["call type"])
    kind, severity = classify_call(call_type, _priority(fields["priority"]))
    lat, lon = _position(fields["position"])
    return Call(
        id=_filled("call", fields["call"]),
        received_at=received,
        kind=kind,
        call_type=call_type,
        severity=severity,
        lat=lat,
        lon=lon,
        units=_units(fields["units"]),
        first_on_scene_s=_arrival(received, fields["on scene"]),
    )


def classify_call(call_type: str, priority: int) -> tuple[str, Severity]:
    """Return the kind and severity of a call type at a final priority of 2 or 3."""
    slug = re.sub(r"[^a-z0-9]+", "_", call_type.lower()).strip("_")
    meaning = KIND_ASSUMPTIONS.get(call_type, always(f"other.{slug[:LONGEST_SLUG] or 'unknown'}"))
    return meaning.emergency if priority == EMERGENCY else meaning.other


def _merged(units: list[Call]) -> Call:
    """Merge the rows of one call: its arrival is that of the first unit, if any arrived."""
    arrivals = [unit.first_on_scene_s for unit in units if unit.first_on_scene_s is not None]
    return replace(
        units[0],
        units=sum(unit.units for unit in units),
        first_on_scene_s=min(arrivals, default=None),
    )


def _filled(name: str, text: str) -> str:
    if not text.strip():
        raise ValueError(f"{name}: empty")
    return text.strip()


def _time(name: str, text: str) -> datetime:
    """Parse a time in the format of the extract or of DataSF; without an offset it is San Francisco's."""
    try:
        if "/" in text:
            return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=ZONE)
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise ValueError(f"{name}: {text!r} is not a time") from problem
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


def _arrival(received: datetime, text: str) -> float | None:
    if not text:
        return None
    seconds = _time("on scene", text).timestamp() - received.timestamp()
    if seconds < 0:
        raise ValueError(f"on scene: {text!r} is before the call was received")
    return seconds


def _priority(text: str) -> int:
    if text not in {str(EMERGENCY), str(NOT_EMERGENCY)}:
        raise ValueError(f"priority: {text!r} is neither 2 nor 3")
    return int(text)


def _position(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.strip("()").split(","))
    except ValueError as problem:
        raise ValueError(f"position: {text!r} is not a latitude and a longitude") from problem
    if not (abs(lat) <= MAX_LAT and abs(lon) <= MAX_LON):
        raise ValueError(f"position: {text!r} is out of range (the latitude comes first)")
    return lat, lon


def _units(text: str) -> int:
    """Count the units of a row; DataSF has no such column, its rows are one unit each."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"units: {text!r} is not a number of units")
    return int(text)
