"""What happens to an incident as a whole: topic `incident.events`."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.base import Event, Hazard, Lane, Mode, Operational, Position, Public, Severity
from schemas.plans import Plan
from schemas.reports import Kind, Professional


class IncidentEvent(Event):
    """Any event of one incident's stream."""

    topic: ClassVar[str] = "incident.events"

    incident_id: Operational[UUID]


class IncidentOpened(IncidentEvent):
    """A report became an incident, under a plan; `awaiting` says why no volunteer is asked before a confirmation."""

    type: ClassVar[str] = "incident.opened.v1"

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
    plan: Operational[Plan]
    plan_hash: Public[str]


class IncidentUpdated(IncidentEvent):
    """The same source said more; absent fields are unchanged."""

    type: ClassVar[str] = "incident.updated.v1"

    report_id: Operational[UUID]
    severity: Public[Severity | None] = None
    position: Operational[Position | None] = None
    hazards: Operational[tuple[Hazard, ...]] = ()
    professional: Operational[Professional | None] = None
    awaiting: Operational[tuple[str, ...]] = ()


class HumanAct(IncidentEvent):
    """Something that a named person did to an incident."""

    by: Operational[str]
    reason: Operational[str] = ""


class IncidentConfirmed(HumanAct):
    """A supervisor lets volunteers be asked."""

    type: ClassVar[str] = "incident.confirmed.v1"


class IncidentHeld(HumanAct):
    """Wait there: told at once to everybody in `recalled`."""

    type: ClassVar[str] = "incident.held.v1"

    recalled: Operational[tuple[UUID, ...]] = ()


class IncidentResumed(HumanAct):
    """The hold is over."""

    type: ClassVar[str] = "incident.resumed.v1"


class IncidentAborted(HumanAct):
    """Do not approach: told at once to everybody in `recalled`."""

    type: ClassVar[str] = "incident.aborted.v1"

    recalled: Operational[tuple[UUID, ...]] = ()


class IncidentTakenOver(HumanAct):
    """A named human has it; Renfort asks nobody more."""

    type: ClassVar[str] = "incident.taken_over.v1"


class IncidentGivenBack(HumanAct):
    """Renfort has it again."""

    type: ClassVar[str] = "incident.given_back.v1"


class IncidentCancelled(HumanAct):
    """There was nothing to do after all."""

    type: ClassVar[str] = "incident.cancelled.v1"


class IncidentClosed(HumanAct):
    """It is over."""

    type: ClassVar[str] = "incident.closed.v1"


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
    """The search goes on farther out."""

    type: ClassVar[str] = "incident.widened.v1"

    radius_m: Operational[int]


class StepDone(IncidentEvent):
    """An escalation step of the plan has run; `step` counts from 0."""

    type: ClassVar[str] = "incident.step_done.v1"

    step: Operational[int]
    level: Operational[int]


class RecallAcknowledged(IncidentEvent):
    """A recalled volunteer has seen the recall."""

    type: ClassVar[str] = "incident.recall_acknowledged.v1"

    volunteer_id: Operational[UUID]
