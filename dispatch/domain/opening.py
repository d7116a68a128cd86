"""Opening an incident for a report: its plan, its lane, and the escalations that it starts with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatch.domain.asking.mustering import KnownPoint, musters_of
from dispatch.domain.asking.offers import escalate_obstacles
from dispatch.domain.decision import Decision
from dispatch.domain.evolve import evolve
from dispatch.domain.places.placing import escalate_mistake, mended
from dispatch.domain.places.service_area import Area
from dispatch.domain.scheduling.ending import ends_at
from dispatch.domain.scheduling.staleness import STALE, is_late, is_stale
from dispatch.domain.supervising.supervision import MODE_UNREAD, awaiting, escalate_incomplete
from schemas.base import Mode, Position
from schemas.generations import seats_of
from schemas.ids import derived
from schemas.incidents import IncidentOpened
from schemas.plans import SCENE, Plan
from schemas.reports import ReportReceived

TOP = 3


@dataclass(frozen=True, slots=True)
class Opening:
    """A report, when it was accepted, and what intake knows of its source, when the incident is opened.

    Without an area its organisation serves everywhere; `zone` is its time zone, null while older processes run. `known`
    are its muster points, where the plan names a place other than the scene; None where they are not looked at.
    Without `ends`, while release 0.1.0 runs, which knows none, it has no end.
    """

    report_id: UUID
    report: ReportReceived
    organisation: UUID
    mode: Mode
    trusted: bool
    accepted_at: datetime
    area: Area | None = None
    zone: str | None = None
    known: tuple[KnownPoint, ...] | None = None
    ends: bool = True


def open_incident(opening: Opening, plan: Plan, now: datetime) -> Decision:
    """Open an incident, and escalate whatever keeps volunteers from being asked."""
    position, mistake = mended(opening.report.position, opening.area)
    opened = _opened(opening, position, plan, now)
    incident = evolve(None, opened)
    decision = Decision(incident, now)
    decision.events.append(opened)
    escalate_mistake(decision, mistake)
    escalate_obstacles(decision)
    _escalate(decision, opening)
    return decision


def _opened(opening: Opening, position: Position | None, plan: Plan, now: datetime) -> IncidentOpened:
    report = opening.report
    musters = musters_of(plan, position, opening.known or ())
    return IncidentOpened(
        at=now,
        incident_id=derived(opening.report_id, "incident"),
        organisation=opening.organisation,
        mode=opening.mode,
        report_id=opening.report_id,
        kind=report.kind,
        severity=report.severity,
        lane=plan.lane if opening.mode == "actual" else "drill",
        position=position,
        hazards=report.hazards,
        professional=report.professional,
        awaiting=_awaiting(opening, plan),
        plan=plan.canonical,
        plan_hash=plan.hash,
        engagement=plan.engagement,
        seats=seats_of(plan),
        window=report.window,
        zone=opening.zone if report.window or plan.lane == "planned" else None,
        muster=musters[0].name if musters else None,
        musters=musters,
        should_end_at=ends_at(plan, report.window, now) if opening.ends else None,
    )


def _awaiting(opening: Opening, plan: Plan) -> tuple[str, ...]:
    """Return why a supervisor must confirm before anybody is asked."""
    report = opening.report
    needs = plan.professional == "required" and plan.asks and plan.engagement != "crew"
    found = awaiting(report.professional, plan_trusts=opening.trusted, incident_needs=needs)
    if "mode" in report.dropped and plan.asks:
        found = (*found, MODE_UNREAD)
    stale = is_stale(plan, report.severity, opening.mode, report.at, opening.accepted_at)
    return (*found, STALE) if stale else found


def _escalate(decision: Decision, opening: Opening) -> None:
    incident, report = decision.incident, opening.report
    escalate_incomplete(decision, report.dropped)
    if opening.known is not None and incident.plan.muster != SCENE and not incident.musters:
        decision.escalate("no_muster_point", page=False, level=1, detail=incident.plan.muster)
    if incident.plan.professional == "informed" and not incident.professional.requested:
        decision.escalate("professional_not_requested", page=False, level=1)
    late = is_late(incident.plan, report.severity, opening.accepted_at, decision.now)
    if late and STALE not in incident.awaiting:
        since = opening.accepted_at.isoformat(timespec="minutes")
        decision.escalate("opened_late", page=False, level=1, detail=f"accepted at {since}, opened only now")
