"""Reports: the body that a source sends, and the event on the topic `incident.reports`."""

from datetime import UTC
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from schemas.base import (
    Event,
    Hazard,
    Mode,
    Operational,
    Position,
    Public,
    Sensitive,
    Severity,
    Slug,
    Strict,
    Window,
)

Kind = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
SourceId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e][\x20-\x7e]*$")]
Reference = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./:_-]*$")]


class Professional(Strict):
    """The state of the professional response: whether it was requested, and under which reference."""

    requested: Operational[bool] = False
    reference: Operational[Reference | None] = None


class ReportFacts(Strict):
    """The facts of every report, whichever way it arrives; `updates` is the source's id of an earlier report."""

    kind: Public[Kind]
    severity: Public[Severity] = "urgent"
    position: Operational[Position | None] = None
    mode: Public[Mode] = "actual"
    hazards: Operational[tuple[Hazard, ...]] = Field(default=(), max_length=6)
    professional: Operational[Professional] = Professional()
    updates: Operational[SourceId | None] = None


class SentWindow(Strict):
    """A window as sources send it and as responses contain it; it ends after it starts."""

    starts_at: Operational[AwareDatetime] = Field(alias="from")
    ends_at: Operational[AwareDatetime] = Field(alias="to")

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        """Reject a window that ends before it starts."""
        if self.ends_at <= self.starts_at:
            msg = "the window must end after it starts"
            raise ValueError(msg)
        return self

    @classmethod
    def of(cls, window: Window | None) -> Self | None:
        """Return a window as responses contain it."""
        if window is None:
            return None
        return cls.model_validate({"from": window.starts_at, "to": window.ends_at})

    @property
    def in_utc(self) -> Window:
        """Return the window in UTC."""
        return Window(starts_at=self.starts_at.astimezone(UTC), ends_at=self.ends_at.astimezone(UTC))


class ReportBody(ReportFacts):
    """The body of `POST /v1/reports`; `id` is the source's own, `window` when people are needed if not now."""

    id: Operational[SourceId]
    occurred_at: Operational[AwareDatetime]
    window: Operational[SentWindow | None] = None
    description: Sensitive[str | None] = Field(default=None, max_length=2000)


class ReportReceived(ReportFacts, Event):
    """A report as validated on arrival: no free text, no caller. One published straight to the topic is untrusted.

    `dropped` names the fields that were cut or left out, since they could not be read. The fields of `RESERVED` are
    for later releases: a report that sets one of them is parked.
    """

    model_config: ClassVar = {"frozen": True, "extra": "forbid"}
    type: ClassVar[str] = "report.received.v2"
    topic: ClassVar[str] = "incident.reports"

    report_id: Operational[UUID | None] = None
    source: Operational[Annotated[str, Field(min_length=1, max_length=64)]]
    source_id: Operational[SourceId]
    channel: Public[Literal["http", "cli", "cap", "hubsante", "open311", "topic"]] = "topic"
    window: Operational[Window | None] = None
    cancels: Operational[SourceId | None] = None
    professional_status: Public[Literal["en_route", "on_scene", "left"] | None] = None
    corrects: Operational[SourceId | None] = None
    accuracy_m: Operational[int | None] = Field(default=None, ge=0)
    place_id: Operational[UUID | None] = None
    dropped: Operational[tuple[Slug, ...]] = Field(default=(), max_length=20)


RESERVED = ("cancels", "professional_status", "corrects", "accuracy_m", "place_id")
"""Fields of a report that nothing reads yet. `place_id` refers to an erasable place."""


def reserved_field(report: ReportReceived) -> str | None:
    """Return the first reserved field that a report sets."""
    return next((name for name in RESERVED if getattr(report, name)), None)
