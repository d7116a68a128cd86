"""Arrivals: when responders say that they arrive, and the seat of those who arrive too late for the plan."""

from datetime import datetime

from dispatch.domain.decision import Decision
from dispatch.domain.incident import Assignment, Incident, Seat
from dispatch.domain.scheduling import timing
from schemas.offers import ArrivalExpected


def free_seat(incident: Incident, role: str) -> Seat | None:
    """Return an empty seat of the role, needed seats before reserve; None once enough responders have arrived."""
    if incident.ended or incident.arrived():
        return None
    return _empty_seat(incident, role)


def _empty_seat(incident: Incident, role: str) -> Seat | None:
    empty = [seat for seat in incident.seats if seat.role == role and seat.empty]
    return min(empty, key=lambda seat: seat.number, default=None)


def is_too_late(incident: Incident, eta_at: datetime | None, since: datetime) -> bool:
    """Return whether the plan cannot use an arrival at this time, said at `since`; nobody arrives for a notice."""
    if eta_at is None or incident.engagement == "notice":
        return False
    return eta_at - timing.once_begun(incident, since) > incident.plan.arrives_within(incident.severity)


def expect(decision: Decision, assignment: Assignment, seat: Seat, eta_at: datetime) -> None:
    """Record when a responder arrives, and the seat that they hold from now on."""
    decision.add(
        ArrivalExpected(
            at=decision.now, incident_id=decision.incident.id, assignment_id=assignment.id,
            offer_id=assignment.offer_id, volunteer_id=assignment.volunteer_id, eta_at=eta_at,
            seat=seat.number, reserve=seat.reserve,
        )
    )  # fmt: skip


def change(decision: Decision, assignment: Assignment, eta_at: datetime | None, since: datetime) -> None:
    """Apply a new time of arrival, said at `since`: whoever is too late leaves their seat for one in reserve."""
    incident = decision.incident
    if eta_at is None or eta_at == assignment.eta_at:
        return
    if incident.engagement == "notice" or assignment.status == "on_scene":
        return
    held, too_late = incident.seat_of(assignment), is_too_late(incident, eta_at, since)
    if too_late and not held.added:
        seat = incident.spare_seat(held.role)
    else:
        seat = held if too_late else better(incident, held)
    expect(decision, assignment, seat, eta_at)
    decision.update_coverage()
    if too_late:
        escalate(decision, eta_at)


def escalate(decision: Decision, eta_at: datetime) -> None:
    """Tell a supervisor that somebody arrives too late; it pages where nobody else is asked or on the way."""
    incident, late = decision.incident, decision.incident.late()
    alone = not incident.live and all(assignment.id in late for assignment in incident.active())
    minutes = round((eta_at - decision.now).total_seconds() / 60)
    limit = round(incident.plan.arrives_within(incident.severity).total_seconds() / 60)
    detail = f"expected in {minutes} min, the plan can use {limit} min"
    decision.escalate("late_arrival", page=alone, level=1, detail=detail)


def arrive(decision: Decision, assignment: Assignment) -> None:
    """Seat a responder who was too late and is on scene now, where a seat is free."""
    held = decision.incident.seat_of(assignment)
    seat = _empty_seat(decision.incident, held.role) if held.added else None
    if seat is not None:
        expect(decision, assignment, seat, decision.now)


def promotes_at(incident: Incident) -> datetime | None:
    """Return when the next of those in reserve is near enough for a seat that is still free."""
    return min((at for at, _ in _promotions(incident)), default=None)


def promote(decision: Decision) -> None:
    """Seat those in reserve who are near enough now, the first to arrive first."""
    for at, assignment in sorted(_promotions(decision.incident), key=lambda found: found[0]):
        seat = better(decision.incident, decision.incident.seat_of(assignment))
        if at <= decision.now and seat.number != assignment.seat:
            expect(decision, assignment, seat, assignment.eta_at or at)
            decision.update_coverage()


def _promotions(incident: Incident) -> list[tuple[datetime, Assignment]]:
    """Return those in reserve for whom a seat is free, each with the time from which they are near enough for it."""
    late = incident.late()
    if not late or incident.status != "open":
        return []
    return [
        (at, assignment)
        for assignment in incident.active()
        if assignment.id in late and (at := _near_at(incident, assignment)) is not None
        if free_seat(incident, incident.seat_of(assignment).role) is not None
    ]


def _near_at(incident: Incident, assignment: Assignment) -> datetime | None:
    """Return from when somebody in reserve is near enough for a seat; null where they are late and not there yet."""
    if assignment.on_scene_at is not None:
        return assignment.on_scene_at
    if assignment.eta_at is None or assignment.reserved_at is not None:
        return None
    return assignment.eta_at - incident.plan.arrives_within(incident.severity)


def better(incident: Incident, held: Seat) -> Seat:
    """Return the free seat that somebody in an added one may take, else the one that they hold."""
    return (free_seat(incident, held.role) if held.added else None) or held
