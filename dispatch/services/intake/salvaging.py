"""Reading of reports as sources send them: life-threatening ones also where they are not valid as a whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from dispatch.domain.places.coordinates import Axis, read_coordinate, read_position
from schemas.reports import ReportBody
from schemas.salvage import UNKNOWN_KIND, Salvaged, salvage


class ReadReport(NamedTuple):
    """A report, and how it came about where it was not valid as it was sent."""

    body: ReportBody
    salvaged: Salvaged[ReportBody] | None = None


def read_report(sent: Mapping[str, Any], now: datetime) -> ReadReport:
    """Return a report from its fields; raises ValidationError for one that is neither valid nor life-threatening."""
    try:
        return ReadReport(ReportBody.model_validate(sent))
    except ValidationError:
        salvaged = salvage_report(sent, now)
        if salvaged is None:
            raise
        return ReadReport(salvaged.report, salvaged)


def salvage_report(sent: object, now: datetime) -> Salvaged[ReportBody] | None:
    """Return what can be read of a life-threatening report; one without a readable time counts as occurring now."""
    return salvage(ReportBody, sent, {"kind": UNKNOWN_KIND, "occurred_at": now}, _read_place)


def _read_place(value: object) -> Mapping[str, float] | None:
    """Return a position that was sent in another notation: as one text, or with a text for each coordinate."""
    try:
        if isinstance(value, str):
            return read_position(value).model_dump()
        if isinstance(value, dict):
            return {"lat": _degrees(value.get("lat"), "lat"), "lon": _degrees(value.get("lon"), "lon")}
    except ValueError:
        pass
    return None


def _degrees(value: object, axis: Axis) -> float:
    return read_coordinate(value if isinstance(value, str) else repr(value), axis)
