"""Lines of report files: the cells of one line become the fields of a report."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, get_args

from dispatch.domain.places.coordinates import Axis, CoordinatesError, read_coordinate, read_position
from dispatch.services.core.csv_tables import TableRow, meant
from dispatch.services.core.errors import InvalidError
from dispatch.services.intake.file_problems import FileProblem, LineError
from dispatch.services.intake.local_times import read_time
from dispatch.services.intake.report_maps import MapField, Meaning, ReportMap
from schemas.base import Severity

Reader = Callable[[str, ReportMap], dict[str, Any]]
"""Reads the cells of one field; raises InvalidError."""
URGENT: Severity = "urgent"
PAIRS: Mapping[str, frozenset[MapField]] = {
    "position": frozenset({"lat", "lon"}), "window": frozenset({"from", "to"}),
}  # fmt: skip
"""Fields that consist of two columns."""


def read_fields(row: TableRow, used: ReportMap) -> dict[str, Any]:
    """Return the fields of a report as its line has them; raises LineError with every mistake in it."""
    problems: list[FileProblem] = []
    fields: dict[str, Any] = {}
    for name, read in _READERS.items():
        value = cell_of(row, used, name)
        try:
            fields |= read(value, used)
        except InvalidError as error:
            problems.append(FileProblem(row.line, error.field, str(error), value))
    for whole, parts in PAIRS.items():
        found = {name: fields.pop(name) for name in parts if name in fields}
        if len(found) == 1 and not {problem.field for problem in problems} & parts:
            problems.append(FileProblem(row.line, whole, f"only {', '.join(found)} is given"))
        if found:
            fields[whole] = found
    if problems:
        raise LineError(problems)
    if decided := fields.pop("decided", None):
        fields["severity"] = decided
    return fields


def cell_of(row: TableRow, used: ReportMap, name: MapField) -> str:
    return " ".join(filter(None, (row.cells[column] for column in used.columns.get(name, ()))))


def _id(text: str, _used: ReportMap) -> dict[str, Any]:
    if not text:
        raise InvalidError("id", "empty")
    return {"id": text}


def _kind(text: str, used: ReportMap) -> dict[str, Any]:
    meaning = _meaning(text, used)
    if meaning is None:
        cure = "not among the map's `kinds`; `*: other` there, or `kind` under `defaults`, takes all others"
        raise InvalidError("kind", "empty" if not text else cure)
    return {"kind": meaning.kind} | ({"decided": meaning.severity} if meaning.severity else {})


def _meaning(text: str, used: ReportMap) -> Meaning | None:
    found = _find(text, tuple(used.kinds)) if text else None
    if found is not None:
        return used.kinds[found]
    if text and not used.kinds:
        return Meaning(text)
    return Meaning(used.defaults.kind) if used.defaults.kind else None


def _severity(text: str, used: ReportMap) -> dict[str, Any]:
    if not text:
        return {"severity": used.defaults.severity or URGENT}
    if used.priorities:
        found = _find(text, tuple(used.priorities))
        if found is None:
            raise InvalidError("severity", "not among the map's `priorities`")
        return {"severity": used.priorities[found]}
    if text.lower() not in get_args(Severity):
        known = ", ".join(get_args(Severity))
        raise InvalidError("severity", f"not one of {known}{meant(text, get_args(Severity))}")
    return {"severity": text.lower()}


@lru_cache(maxsize=4096)
def _find(text: str, keys: tuple[str, ...]) -> str | None:
    """Return the key that is the text in any case, else the first whose `*` fits."""
    plain = text.casefold()
    exact = next((key for key in keys if key.casefold() == plain), None)
    return exact or next((key for key in keys if "*" in key and _fits(key.casefold(), plain)), None)


def _fits(key: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, key.split("*"))), text) is not None


def _time(text: str, used: ReportMap) -> dict[str, Any]:
    return {"occurred_at": read_time(text, used.zone(), used.time_format)} if text else {}


def _bound(name: MapField) -> Reader:
    """Return the reader of one end of a window."""

    def read(text: str, used: ReportMap) -> dict[str, Any]:
        return {name: read_time(text, used.zone(), used.time_format, name)} if text else {}

    return read


def _place(text: str, _used: ReportMap) -> dict[str, Any]:
    """Read a cell with both coordinates."""
    if not text:
        return {}
    try:
        return {"position": read_position(text).model_dump()}
    except CoordinatesError as error:
        raise InvalidError("position", str(error)) from None


def _degrees(axis: Axis) -> Reader:
    def read(text: str, _used: ReportMap) -> dict[str, Any]:
        if not text:
            return {}
        try:
            return {axis: read_coordinate(text, axis)}
        except CoordinatesError as error:
            raise InvalidError(axis, str(error)) from None

    return read


def _hazards(text: str, _used: ReportMap) -> dict[str, Any]:
    return {"hazards": tuple(re.findall(r"[^\s;|,]+", text.lower()))} if text else {}


def _reference(text: str, used: ReportMap) -> dict[str, Any]:
    reference = text or used.defaults.professional_reference
    return {"professional": {"requested": True, "reference": reference}} if reference else {}


def _description(text: str, _used: ReportMap) -> dict[str, Any]:
    return {"description": text} if text else {}


_READERS: Mapping[MapField, Reader] = {
    "id": _id,
    "kind": _kind,
    "severity": _severity,
    "occurred_at": _time,
    "position": _place,
    "lat": _degrees("lat"),
    "lon": _degrees("lon"),
    "hazards": _hazards,
    "professional_reference": _reference,
    "description": _description,
    "from": _bound("from"),
    "to": _bound("to"),
}
