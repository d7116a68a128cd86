"""Volunteers' answers: each names its offer, and counts by the time of its receipt."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from dispatch.domain import transitions
from dispatch.domain.actors import RENFORT
from dispatch.domain.answering import arrivals, doubts, lateness, waiting_list
from dispatch.domain.commands import AnswerOffer
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Assignment, Incident, Offer, Seat
from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.sending_time import said_at
from dispatch.domain.scheduling import ending
from schemas.base import Event
from schemas.incidents import IncidentClosed, IncidentHeld, RecallAcknowledged
from schemas.offers import (
    AssignmentEvent,
    EnRoute,
    OfferAnsweredLate,
    OfferDeclined,
    OfferEvent,
    OfferExpired,
    OnScene,
)
from schemas.replies import DOUBTFUL, Answer

COMES: frozenset[Answer] = frozenset({"accepted", "en_route", "on_scene"})
STAYS: frozenset[Answer] = frozenset({"declined", "released"})
"""Answers that say whether the volunteer comes: the one received last counts, whichever is applied last."""
SEES: frozenset[Answer] = frozenset({"acknowledged", "declined", "released"})
"""Answers that acknowledge a recall: it was read, or its reader does not go. Any other may have crossed with it."""


def answer(decision: Decision, reply: AnswerOffer) -> None:
    """Apply one answer; raises RefusedError where the offer is not this volunteer's."""
    offer = decision.incident.offer(reply.offer_id)
    if offer is None or offer.volunteer_id != reply.volunteer_id:
        msg = "the answer names an offer that this volunteer never had"
        raise RefusedError(msg)
    offer = waiting_list.asked_instead(decision.incident, offer, reply.received_at)
    _acknowledge(decision, reply)
    if not _is_overtaken(reply):
        _ANSWERS[reply.answer](decision, offer, reply)


def _is_overtaken(reply: AnswerOffer) -> bool:
    """Return whether the volunteer has said since whether they come, and said the opposite."""
    opposite = STAYS if reply.answer in COMES else COMES if reply.answer in STAYS else frozenset()
    return not opposite.isdisjoint(reply.overtaken_by)


def _acknowledge(decision: Decision, reply: AnswerOffer) -> None:
    """Acknowledge the volunteer's recall, where the answer was given after it and shows that it was seen."""
    recall = decision.incident.recalls.get(reply.volunteer_id)
    if recall is None or recall.acknowledged_at is not None or reply.answer not in SEES:
        return
    if said_at(reply.sent_at, reply.received_at) > recall.at:
        decision.add(
            RecallAcknowledged(
                at=decision.now, incident_id=decision.incident.id, volunteer_id=reply.volunteer_id
            )
        )
        if not decision.incident.unseen():
            decision.resolve({"recall_unacknowledged"}, "all have acknowledged")


def _accept(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    held = next((a for a in decision.incident.active() if a.volunteer_id == offer.volunteer_id), None)
    if held is not None:
        _repeat(decision, held, offer, reply)
        return
    if offer.status == "accepted":
        # A yes received before the release repeats the one that was seated.
        if reply.received_at > _released_at(decision.incident, offer):
            _record_late(decision, offer, reply, "thanked")
        return
    if offer.status == "waitlisted":
        # Said again: who waits is seated in their turn.
        return
    in_time = offer.status in ("extended", "expired") and reply.received_at <= offer.expires_at
    apart = _must_not_meet(decision.incident, reply)
    barred = reply.engaged or apart
    waited_for = barred or waiting_list.stands_before(decision.incident, offer)
    seat = None if waited_for else _seat_for(decision, offer.role, reply)
    if seat is None and reply.waits and not barred and waiting_list.takes(decision.incident):
        waiting_list.join(decision, offer, reply)
        return
    if offer.status == "extended" and (not in_time or seat is None):
        decision.add(_event(OfferExpired, decision, offer))
    if seat is None:
        _thank(decision, offer, reply, apart=apart)
        return
    if not in_time:
        _record_late(decision, offer, reply, "reserve" if seat.reserve else "seated")
    _assign(decision, offer, reply, seat)


def _repeat(decision: Decision, held: Assignment, offer: Offer, reply: AnswerOffer) -> None:
    """Apply a yes of somebody with a seat: it confirms it, and says when they arrive."""
    if held.offer_id == offer.id and held.doubted_until is not None and reply.engaged:
        _give_up(decision, held, offer, reply)
        return
    if held.offer_id == offer.id:
        doubts.clear(decision, held)
    arrivals.change(decision, held, reply.eta_at, reply.received_at)


def _give_up(decision: Decision, held: Assignment, offer: Offer, reply: AnswerOffer) -> None:
    """Release somebody who confirms a window that was moved into the time of another mission of theirs."""
    decision.release(held, "overlap")
    decision.update_coverage()
    _thank(decision, offer, reply, apart=False)


def _thank(decision: Decision, offer: Offer, reply: AnswerOffer, *, apart: bool) -> None:
    """Thank somebody for a yes that fills no seat; tell a supervisor where two would meet, or one be twice."""
    _record_late(decision, offer, reply, "thanked")
    if reply.engaged and decision.incident.lane == "planned":
        decision.escalate("overlapping_yes", page=False, level=1, detail=f"offer {code(offer.id)}")
    if apart:
        decision.escalate("apart", page=False, level=1, detail="see `dispatch apart list`")


def _must_not_meet(incident: Incident, reply: AnswerOffer) -> bool:
    """Return whether somebody comes, or waits for a seat, whom the volunteer must not meet."""
    if not reply.apart:
        return False
    there = {a.volunteer_id for a in incident.active()} | {o.volunteer_id for o in incident.waiting.values()}
    return not there.isdisjoint(reply.apart)


def _seat_for(decision: Decision, role: str, reply: AnswerOffer) -> Seat | None:
    """Return a seat for a clear yes; where all are taken, the one of somebody whose answer is in doubt."""
    incident = decision.incident
    if arrivals.is_too_late(incident, reply.eta_at, reply.received_at):
        return incident.spare_seat(role) if arrivals.free_seat(incident, role) else None
    if arrivals.free_seat(incident, role) is None and not incident.arrived():
        doubts.give_way(decision, role)
    return arrivals.free_seat(decision.incident, role)


def _released_at(incident: Incident, offer: Offer) -> datetime:
    return next(
        a.released_at or a.assigned_at for a in incident.assignments.values() if a.offer_id == offer.id
    )


def _record_late(
    decision: Decision, offer: Offer, reply: AnswerOffer, outcome: Literal["seated", "reserve", "thanked"]
) -> None:
    if outcome == "thanked" and offer.late == "thanked":
        return
    decision.add(
        OfferAnsweredLate(
            at=decision.now, incident_id=decision.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id,
            received_at=reply.received_at, channel=reply.channel, outcome=outcome,
        )
    )  # fmt: skip


def _assign(decision: Decision, offer: Offer, reply: AnswerOffer, seat: Seat) -> None:
    decision.assign(offer, seat, reply.received_at, reply.channel)
    _expect(decision, offer, reply, seat)
    decision.withdraw_from(offer.volunteer_id, "engaged")
    decision.update_coverage()
    if seat.added and reply.eta_at is not None:
        arrivals.escalate(decision, reply.eta_at)
    if decision.incident.engagement == "notice" and decision.incident.covered_at is not None:
        # A notice sends nobody: once enough volunteers have read it, it ends.
        decision.release_all("done")
        close_if_done(decision)


def _expect(decision: Decision, offer: Offer, reply: AnswerOffer, seat: Seat) -> None:
    assignment = assignment_of(decision.incident, offer)
    if assignment is not None and reply.eta_at is not None and decision.incident.engagement != "notice":
        arrivals.expect(decision, assignment, seat, reply.eta_at)


def _decline(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    if reply.reason == DOUBTFUL:
        if (assignment := assignment_of(decision.incident, offer)) is not None:
            doubts.doubt(decision, assignment)
        return
    if transitions.may(transitions.OFFER, offer.status, OfferDeclined):
        decision.add(
            OfferDeclined(
                at=decision.now, incident_id=decision.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id,
                received_at=reply.received_at, channel=reply.channel,
            )
        )  # fmt: skip
    elif (assignment := assignment_of(decision.incident, offer)) is not None:
        decision.release(assignment, "withdrew")
        decision.update_coverage()
        close_if_done(decision)


def assignment_of(incident: Incident, offer: Offer) -> Assignment | None:
    """Return the active assignment that resulted from an offer."""
    return next((a for a in incident.active() if a.offer_id == offer.id), None)


def _advance(decision: Decision, offer: Offer, reply: AnswerOffer, event: type[AssignmentEvent]) -> bool:
    """Record where a responder is, which also confirms their yes; return whether it was."""
    assignment = assignment_of(decision.incident, offer)
    if assignment is None:
        return False
    if decision.incident.engagement == "notice":
        msg = "a notice sends nobody: volunteers cannot be en route or on scene"
        raise RefusedError(msg)
    if assignment.doubted_until is not None and reply.engaged:
        _give_up(decision, assignment, offer, reply)
        return False
    if not transitions.may(transitions.ASSIGNMENT, assignment.status, event):
        doubts.clear(decision, assignment)
        return False
    decision.add(_event(event, decision, offer, assignment_id=assignment.id))
    return True


def _en_route(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    if _advance(decision, offer, reply, EnRoute):
        _come_back(decision, offer, reply)
        decision.update_coverage()
    if (assignment := assignment_of(decision.incident, offer)) is not None:
        arrivals.change(decision, assignment, reply.eta_at, reply.received_at)


def _come_back(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    """Give somebody who leaves only now their seat again, unless they arrive too late for it."""
    assignment = assignment_of(decision.incident, offer)
    too_late = arrivals.is_too_late(decision.incident, reply.eta_at, reply.received_at)
    if assignment is not None and assignment.reserved_at is not None and not too_late:
        lateness.come_back(decision, assignment)


def _on_scene(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    if not _advance(decision, offer, reply, OnScene):
        return
    if (assignment := assignment_of(decision.incident, offer)) is not None:
        arrivals.arrive(decision, assignment)
    if decision.incident.arrived():
        for other in [a for a in decision.incident.active() if a.status != "on_scene"]:
            decision.release(other, "stood_down")
        for there in list(decision.incident.active()):
            arrivals.arrive(decision, there)
        decision.withdraw("covered")
    decision.update_coverage()


def _release(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    assignment = assignment_of(decision.incident, offer)
    if offer.status == "waitlisted":
        _decline(decision, offer, reply)
    if assignment is None:
        return
    done = assignment.status == "on_scene" or decision.incident.overdue_at is not None
    decision.release(assignment, "done" if done else "withdrew")
    decision.update_coverage()
    close_if_done(decision)


def close_if_done(decision: Decision) -> None:
    """Close an incident whose responders are all released, once it was covered or should have ended."""
    incident = decision.incident
    if ending.finished(incident):
        decision.withdraw("closed")
        decision.resolve(None, "closed")
        decision.add(
            IncidentClosed(
                at=decision.now, incident_id=incident.id, by=RENFORT, reason="all released", outcome="done"
            )
        )


def _danger(decision: Decision, offer: Offer, _reply: AnswerOffer) -> None:
    """Escalate at once, and hold everybody where one who was assigned reports danger."""
    assigned = any(one.offer_id == offer.id for one in decision.incident.assignments.values())
    if assigned and transitions.may(transitions.INCIDENT, decision.incident.status, IncidentHeld):
        decision.add(
            IncidentHeld(
                at=decision.now, incident_id=decision.incident.id, by=RENFORT,
                reason="danger reported by a responder", recalled=decision.incident.involved(),
            )
        )  # fmt: skip
    decision.escalate("danger", page=True, detail="a responder reports danger")


def _not_yet(decision: Decision, offer: Offer, _reply: AnswerOffer) -> None:
    """Move the end of a mission that a responder says is not over yet."""
    if assignment_of(decision.incident, offer) is not None:
        ending.extend(decision)


def _acknowledged(_decision: Decision, _offer: Offer, _reply: AnswerOffer) -> None:
    """Do nothing more: `answer` has acknowledged the recall already."""


def _event(
    event: type[OfferEvent | AssignmentEvent], decision: Decision, offer: Offer, **more: object
) -> Event:
    names = {"incident_id": decision.incident.id, "offer_id": offer.id, "volunteer_id": offer.volunteer_id}
    return event(at=decision.now, **names, **more)  # type: ignore[arg-type]


_ANSWERS: dict[str, Callable[[Decision, Offer, AnswerOffer], None]] = {
    "accepted": _accept,
    "declined": _decline,
    "en_route": _en_route,
    "on_scene": _on_scene,
    "released": _release,
    "danger": _danger,
    "acknowledged": _acknowledged,
    "not_yet": _not_yet,
}
