"""Events of an incident as a whole: topic `incident.events`."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import (
    Channel,
    Engagement,
    Event,
    Hazard,
    Lane,
    Mode,
    MusterName,
    MusterPoint,
    Operational,
    Position,
    Public,
    Severity,
    Skill,
    Slug,
    Window,
    Wire,
)
from schemas.plans import MOST_STATIONS
from schemas.reports import Kind, Professional

Outcome = Literal["done", "not_needed", "false_alarm", "referred", "cancelled", "nobody_came", "unreported"]
"""How an incident ended. `referred`: somebody else handles it; `nobody_came`: no volunteer was ever assigned;
`unreported`: its time was over, and nobody said how it went."""
Commune = Annotated[str, Field(pattern=r"^[0-9][0-9AB][0-9]{3}$")]
"""A French commune by its INSEE code."""


class IncidentEvent(Event):
    """An event in the stream of one incident."""

    topic: ClassVar[str] = "incident.events"

    incident_id: Operational[UUID]


class OpenedSeat(Wire):
    """One place to fill: by a volunteer who has `all` skills and one of `any`; `reserve` is beyond need.

    Numbers start at 1 and are never reused: seats that are added later take the next ones.
    """

    number: Operational[int] = Field(ge=1)
    role: Public[Slug]
    all: Public[tuple[Skill, ...]] = ()
    any: Public[tuple[Skill, ...]] = ()
    min_age: Public[int | None] = None
    reserve: Public[bool] = False


class IncidentOpened(IncidentEvent):
    """A report opened an incident under a plan; `awaiting` is why no volunteer is asked before a confirmation.

    `plan` is the plan as canonical JSON without defaults; readers retain the fields that they do not know.
    `window` is when it takes place, `zone` the time zone of its quiet hours, `acceptance` the share of people expected
    to accept, `accuracy_m` how uncertain the position is, `commune` its INSEE code, `muster` the name of the point
    where people gather, `should_end_at` when the mission should have ended; each null where nothing is known or meant.
    `musters` are the points in the order in which they are used, `muster` is the first; none where people go to the
    scene.
    """

    type: ClassVar[str] = "incident.opened.v2"

    organisation: Operational[UUID]
    mode: Public[Mode]
    report_id: Operational[UUID]
    kind: Public[Kind]
    severity: Public[Severity]
    lane: Public[Lane]
    position: Operational[Position | None]
    hazards: Operational[tuple[Hazard, ...]] = ()
    professional: Operational[Professional]
    awaiting: Operational[tuple[str, ...]] = ()
    plan: Operational[dict[str, Any]]
    plan_hash: Public[str]
    engagement: Public[Engagement]
    seats: Operational[tuple[OpenedSeat, ...]] = ()
    window: Operational[Window | None] = None
    zone: Public[str | None] = None
    acceptance: Operational[float | None] = Field(default=None, ge=0, le=1)
    accuracy_m: Operational[int | None] = Field(default=None, ge=0)
    commune: Operational[Commune | None] = None
    muster: Operational[MusterName | None] = None
    musters: Operational[tuple[MusterPoint, ...]] = Field(default=(), max_length=MOST_STATIONS)
    should_end_at: Operational[AwareDatetime | None] = None


class IncidentUpdated(IncidentEvent):
    """The same source reported a change; absent fields are unchanged."""

    type: ClassVar[str] = "incident.updated.v1"

    report_id: Operational[UUID]
    severity: Public[Severity | None] = None
    position: Operational[Position | None] = None
    hazards: Operational[tuple[Hazard, ...]] = ()
    professional: Operational[Professional | None] = None
    awaiting: Operational[tuple[str, ...]] = ()


class IncidentRescheduled(IncidentEvent):
    """The same source reported another window."""

    type: ClassVar[str] = "incident.rescheduled.v1"

    report_id: Operational[UUID]
    window: Operational[Window]


class HumanAct(IncidentEvent):
    """An action of a named person on an incident."""

    by: Operational[str]
    reason: Operational[str] = ""


class IncidentConfirmed(HumanAct):
    """A supervisor confirmed that volunteers may be asked."""

    type: ClassVar[str] = "incident.confirmed.v1"


class IncidentHeld(HumanAct):
    """Volunteers must wait where they are; everybody in `recalled` is notified at once."""

    type: ClassVar[str] = "incident.held.v1"

    recalled: Operational[tuple[UUID, ...]] = ()


class IncidentResumed(HumanAct):
    """The hold has ended."""

    type: ClassVar[str] = "incident.resumed.v1"


class IncidentAborted(HumanAct):
    """Volunteers must not approach; everybody in `recalled` is notified at once."""

    type: ClassVar[str] = "incident.aborted.v1"

    recalled: Operational[tuple[UUID, ...]] = ()


class IncidentTakenOver(HumanAct):
    """A named human handles the incident; Renfort asks no more volunteers.

    `channel` is how a duty contact, whom `by` names by reference, took it over; null for the console.
    """

    type: ClassVar[str] = "incident.taken_over.v2"

    channel: Public[Channel | None] = None


class IncidentGivenBack(HumanAct):
    """Renfort handles the incident again."""

    type: ClassVar[str] = "incident.given_back.v1"


class IncidentCancelled(HumanAct):
    """The incident needed no response."""

    type: ClassVar[str] = "incident.cancelled.v1"


class IncidentClosed(HumanAct):
    """The incident has ended; `outcome` is null where release 0.1.0 closed it, which recorded none."""

    type: ClassVar[str] = "incident.closed.v2"

    outcome: Public[Outcome | None] = None


class IncidentOverdue(IncidentEvent):
    """The mission should have ended by now; the responders in `asked` are asked whether it has."""

    type: ClassVar[str] = "incident.overdue.v1"

    asked: Operational[tuple[UUID, ...]] = ()


class IncidentEndMoved(IncidentEvent):
    """The mission goes on: it is expected to end later."""

    type: ClassVar[str] = "incident.end_moved.v1"

    should_end_at: Operational[AwareDatetime]


class SeatsAdded(HumanAct):
    """A named person asked for more people: these seats are needed, too, of the role of others."""

    type: ClassVar[str] = "incident.seats_added.v1"

    seats: Operational[tuple[OpenedSeat, ...]]


class IncidentCovered(IncidentEvent):
    """Every needed seat is filled."""

    type: ClassVar[str] = "incident.covered.v1"


class IncidentUncovered(IncidentEvent):
    """A needed seat is empty again."""

    type: ClassVar[str] = "incident.uncovered.v1"


class Shortfall(IncidentEvent):
    """Fewer volunteers could be asked than wanted; `shut` counts those near by gate."""

    type: ClassVar[str] = "incident.shortfall.v1"

    wanted: Operational[int]
    found: Operational[int]
    radius_m: Operational[int]
    shut: Operational[dict[str, int]] = Field(default_factory=dict)
    retry_at: Operational[AwareDatetime]


class Widened(IncidentEvent):
    """The search was widened: to a radius, or to the station `muster` where a crew comes from its stations."""

    type: ClassVar[str] = "incident.widened.v2"

    radius_m: Operational[int]
    muster: Operational[MusterName | None] = None


class StepDone(IncidentEvent):
    """An escalation step of the plan has run; `step` counts from 0."""

    type: ClassVar[str] = "incident.step_done.v1"

    step: Operational[int]
    level: Operational[int]


class StepSkipped(StepDone):
    """A step would have changed nothing, for `reason`; the next one does not wait for it."""

    type: ClassVar[str] = "incident.step_skipped.v1"

    reason: Public[Literal["enough", "widest", "no_more", "paged"]]


class AskedMore(StepDone):
    """A step keeps `more` offers open than the plan does otherwise."""

    type: ClassVar[str] = "incident.asked_more.v1"

    more: Operational[int]


class Referred(StepDone):
    """A step pages the duty contacts to refer the incident to those named in `to`."""

    type: ClassVar[str] = "incident.referred.v1"

    to: Operational[tuple[str, ...]]


class RecallAcknowledged(IncidentEvent):
    """A recalled volunteer has seen the recall."""

    type: ClassVar[str] = "incident.recall_acknowledged.v1"

    volunteer_id: Operational[UUID]
