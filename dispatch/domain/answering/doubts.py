"""Doubtful answers: a responder whose texts, read together, may mean no has a minute to say yes clearly.

Meanwhile the seat is held, and one more volunteer is asked for it: the first clear yes has it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from dispatch.domain.decision import Decision
from dispatch.domain.incident import Assignment, Incident
from dispatch.domain.messaging.codes import code
from dispatch.domain.scheduling import timing
from schemas.offers import DoubtCleared, Doubted

CLEAR_WITHIN = timedelta(seconds=60)
"""How long a responder has to confirm a doubtful answer."""


def doubt_after_move(decision: Decision, assignment: Assignment) -> None:
    """Ask somebody again who said yes for another time, as long as an offer is open, but not beyond a start to come."""
    incident = decision.incident
    if incident.engagement == "notice" or assignment.status == "on_scene" or incident.window is None:
        return
    until = timing.answer_by(incident, decision.now)
    if decision.now < incident.window.starts_at:
        until = min(until, incident.window.starts_at)
    decision.add(_doubted(decision, assignment, until, moved=True))
    decision.escalate("window_moved", page=False, level=1, detail="those with a seat are asked again")


def _doubted(decision: Decision, assignment: Assignment, until: datetime, *, moved: bool) -> Doubted:
    return Doubted(
        at=decision.now, incident_id=decision.incident.id, assignment_id=assignment.id, offer_id=assignment.offer_id,
        volunteer_id=assignment.volunteer_id, until=until, moved=moved,
    )  # fmt: skip


def doubt(decision: Decision, assignment: Assignment) -> None:
    """Hold the seat for a clear yes and escalate; somebody who is on scene, or only informed, is not doubted."""
    incident = decision.incident
    if incident.engagement == "notice" or assignment.status == "on_scene" or assignment.doubted_until:
        return
    decision.add(_doubted(decision, assignment, decision.now + CLEAR_WITHIN, moved=False))
    detail = f"the halves of a text may mean no: offer {code(assignment.offer_id)}"
    decision.escalate("answer_doubtful", page=False, level=1, detail=detail)


def clear(decision: Decision, assignment: Assignment) -> None:
    """Record a clear yes, and withdraw the offers that the doubt had caused."""
    if assignment.doubted_until is None:
        return
    decision.add(
        DoubtCleared(
            at=decision.now, incident_id=decision.incident.id, assignment_id=assignment.id,
            offer_id=assignment.offer_id, volunteer_id=assignment.volunteer_id,
        )
    )  # fmt: skip
    decision.update_coverage()


def give_way(decision: Decision, role: str) -> None:
    """Release the responder of a role who has been in doubt longest, for somebody whose yes is clear."""
    numbers = {seat.number for seat in decision.incident.seats if seat.role == role and not seat.added}
    doubted = [one for one in decision.incident.doubted() if one.seat in numbers]
    if doubted:
        decision.release(min(doubted, key=_until), "stood_down")


def due_at(incident: Incident) -> datetime | None:
    """Return when the next doubtful answer counts as a no."""
    return min(map(_until, incident.doubted()), default=None)


def release_unconfirmed(decision: Decision, being_answered: frozenset[UUID]) -> bool:
    """Release those whose doubt has lasted too long, unless an answer waits to be processed; return whether any."""
    overdue = [one for one in decision.incident.doubted() if _until(one) <= decision.now]
    released = [one for one in overdue if one.offer_id not in being_answered]
    for assignment in released:
        decision.release(assignment, "stood_down")
    if released:
        decision.update_coverage()
    return bool(released)


def _until(assignment: Assignment) -> datetime:
    return assignment.doubted_until or assignment.assigned_at
