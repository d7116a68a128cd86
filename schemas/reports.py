"""Reports: what a source sends us, and what goes on the topic."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Event, Hazard, Mode, Operational, Position, Public, Sensitive, Severity, Strict

Kind = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
SourceId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e][\x20-\x7e]*$")]
Reference = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./:_-]*$")]


class Professional(Strict):
    """Whether the professional response was requested, and under which reference."""

    requested: Operational[bool] = False
    reference: Operational[Reference | None] = None


class ReportBody(Strict):
    """The body of `POST /v1/reports`; `id` is the source's own, `updates` the source's id of an earlier report."""

    id: Operational[SourceId]
    kind: Public[Kind]
    severity: Public[Severity] = "urgent"
    position: Operational[Position | None] = None
    occurred_at: Operational[AwareDatetime]
    mode: Public[Mode] = "actual"
    hazards: Operational[tuple[Hazard, ...]] = Field(default=(), max_length=6)
    professional: Operational[Professional] = Professional()
    updates: Operational[SourceId | None] = None
    description: Sensitive[str | None] = Field(default=None, max_length=2000)


class ReportReceived(Event):
    """A report as understood at the edge; no free text, no caller. Published straight to the topic it is untrusted."""

    model_config: ClassVar = {"frozen": True, "extra": "forbid"}
    type: ClassVar[str] = "report.received.v1"
    topic: ClassVar[str] = "incident.reports"

    report_id: Operational[UUID | None] = None
    source: Operational[Annotated[str, Field(min_length=1, max_length=64)]]
    source_id: Operational[SourceId]
    kind: Public[Kind]
    severity: Public[Severity] = "urgent"
    position: Operational[Position | None] = None
    mode: Public[Mode] = "actual"
    hazards: Operational[tuple[Hazard, ...]] = Field(default=(), max_length=6)
    professional: Operational[Professional] = Professional()
    updates: Operational[SourceId | None] = None
    channel: Public[Literal["http", "cli", "cap", "hubsante", "open311", "topic"]] = "topic"
