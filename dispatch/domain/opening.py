"""Opening an incident for a report: its plan, its lane, and the escalations that it starts with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.domain.decision import Decision
from dispatch.domain.evolve import evolve
from dispatch.domain.offers import escalate_obstacles
from dispatch.domain.supervision import awaiting
from schemas.base import Mode
from schemas.generations import seats_of
from schemas.ids import derived
from schemas.incidents import IncidentOpened
from schemas.plans import Plan
from schemas.reports import ReportReceived

TOP = 3


@dataclass(frozen=True, slots=True)
class Opening:
    """A report, and what intake knows of its source, when the incident is opened."""

    report_id: UUID
    report: ReportReceived
    organisation: UUID
    mode: Mode
    trusted: bool
    inside_area: bool


def open_incident(opening: Opening, plan: Plan, now: datetime) -> Decision:
    """Open an incident, and escalate whatever keeps volunteers from being asked."""
    opened = _opened(opening, plan, now)
    incident = evolve(None, opened)
    decision = Decision(incident, now)
    decision.events.append(opened)
    _escalate(decision, opening)
    return decision


def _opened(opening: Opening, plan: Plan, now: datetime) -> IncidentOpened:
    report = opening.report
    needs = plan.professional == "required" and plan.asks and plan.engagement != "crew"
    return IncidentOpened(
        at=now,
        incident_id=derived(opening.report_id, "incident"),
        organisation=opening.organisation,
        mode=opening.mode,
        report_id=opening.report_id,
        kind=report.kind,
        severity=report.severity,
        lane=plan.lane if opening.mode == "actual" else "drill",
        position=report.position,
        hazards=report.hazards,
        professional=report.professional,
        awaiting=awaiting(report.professional, plan_trusts=opening.trusted, incident_needs=needs),
        plan=plan.canonical,
        plan_hash=plan.hash,
        engagement=plan.engagement,
        seats=seats_of(plan),
    )


def _escalate(decision: Decision, opening: Opening) -> None:
    incident = decision.incident
    escalate_obstacles(decision)
    if incident.position is not None and not opening.inside_area:
        decision.escalate("outside_area", page=True, detail="the position lies outside the service area")
    if incident.plan.professional == "informed" and not incident.professional.requested:
        decision.escalate("professional_not_requested", page=False, level=1)
