"""Lateness: the seat of somebody who did not leave or arrive in time is asked again; they are kept in reserve."""

from datetime import datetime, timedelta

from dispatch.domain.answering import arrivals
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Assignment, Incident, Seat
from dispatch.domain.scheduling import timing
from schemas.offers import Reseated


def due_at(incident: Incident) -> datetime | None:
    """Return when the next responder is too late to hold a seat of the plan."""
    return min((at for at, _ in _awaited(incident)), default=None)


def reserve_late(decision: Decision) -> None:
    """Put those who are late in reserve, and tell a supervisor of those who should be on scene."""
    late = [assignment for at, assignment in _awaited(decision.incident) if at <= decision.now]
    for assignment in late:
        if assignment.status == "en_route":
            decision.escalate("not_on_scene", page=False, level=1, detail="on the way, and not on scene")
        seat = decision.incident.seat_of(assignment)
        _reseat(decision, assignment, decision.incident.spare_seat(seat.role))
    if late:
        decision.update_coverage()


def come_back(decision: Decision, assignment: Assignment) -> None:
    """Give somebody who leaves late their seat again, where it is still free."""
    held = decision.incident.seat_of(assignment)
    seat = arrivals.better(decision.incident, held)
    if seat is not held:
        _reseat(decision, assignment, seat)
        decision.update_coverage()


def _reseat(decision: Decision, assignment: Assignment, seat: Seat) -> None:
    decision.add(
        Reseated(
            at=decision.now, incident_id=decision.incident.id, assignment_id=assignment.id,
            offer_id=assignment.offer_id, volunteer_id=assignment.volunteer_id, seat=seat.number,
            reserve=seat.reserve,
        )
    )  # fmt: skip


def _awaited(incident: Incident) -> list[tuple[datetime, Assignment]]:
    """Return the responders who have yet to leave or to arrive, each with the time from which they are late.

    An incident that was opened while release 0.1.0 ran, which cannot read that somebody is late, only escalates.
    """
    if incident.plan.late_seat == "held" or incident.status != "open" or incident.engagement == "notice":
        return []
    if incident.should_end_at is None or incident.arrived():
        return []
    late = incident.late()
    found = ((_late_at(incident, one), one) for one in incident.active() if one.id not in late)
    awaited = [(at, one) for at, one in found if at is not None and one.doubted_until is None]
    return sorted(awaited, key=lambda pair: (pair[0], pair[1].id))


def _late_at(incident: Incident, assignment: Assignment) -> datetime | None:
    """Return when somebody is late, in no case before the arrival that they announced."""
    plan = incident.plan
    within = {"assigned": plan.en_route_within_s, "en_route": plan.on_scene_within_s}.get(assignment.status)
    if within is None:
        return None
    since = timing.once_begun(incident, assignment.en_route_at or assignment.assigned_at)
    at = since + timedelta(seconds=within)
    return max(at, assignment.eta_at or at)
