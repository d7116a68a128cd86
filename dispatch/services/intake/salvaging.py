"""Reading of reports as sources send them: life-threatening ones also where they are not valid as a whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

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
    return salvage(ReportBody, sent, {"kind": UNKNOWN_KIND, "occurred_at": now})
