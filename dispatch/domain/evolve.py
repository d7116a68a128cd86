"""Fold events into an incident: `evolve(incident, event) -> incident` is the only way to read the journal."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast, get_args
from uuid import UUID

import orjson
from msgspec.structs import replace

from dispatch.domain import transitions
from dispatch.domain.answering.overlaps import is_limited, time_taken
from dispatch.domain.asking import mustering, way_of
from dispatch.domain.incident import Assignment, Incident, Offer, Recall, Seat
from dispatch.domain.supervising import escalation
from schemas import escalations, incidents, offers
from schemas.base import Event
from schemas.plans import Plan, read_plan

Changes = dict[str, Any]
"""The fields of an incident that an event changes, by name."""
Fold = Callable[[Incident, Any], Changes]


def evolve(incident: Incident | None, event: Event) -> Incident:
    """Return the incident after the event; raises RefusedError where the transition table has no such step."""
    if incident is None:
        return _opened(cast(incidents.IncidentOpened, event))
    changes: Changes = {"seq": incident.seq + 1, "last_at": event.at, "retry_at": None}
    changes.update(_FOLDS[type(event)](incident, event))
    return replace(incident, **changes)


def replay(events: Iterable[Event]) -> Incident | None:
    """Rebuild an incident from its whole stream, in order."""
    incident: Incident | None = None
    for event in events:
        incident = evolve(incident, event)
    return incident


def _opened(event: incidents.IncidentOpened) -> Incident:
    return Incident(
        id=event.incident_id,
        organisation=event.organisation,
        mode=event.mode,
        lane=event.lane,
        report_id=event.report_id,
        kind=event.kind,
        severity=event.severity,
        status="open",
        plan=_plan(orjson.dumps(event.plan)),
        plan_hash=event.plan_hash,
        engagement=event.engagement,
        position=event.position,
        hazards=event.hazards,
        professional=event.professional,
        awaiting=event.awaiting,
        seq=1,
        opened_at=event.at,
        last_at=event.at,
        armed_at=event.at,
        widened_at=event.at,
        acceptance=event.acceptance,
        window=event.window,
        zone=event.zone,
        should_end_at=event.should_end_at,
        seats=tuple(map(_seat_of, event.seats)),
        musters=event.musters,
    )


def _seat_of(seat: incidents.OpenedSeat) -> Seat:
    return Seat(seat.number, seat.role, seat.all, seat.any, seat.min_age, seat.reserve)


@lru_cache(maxsize=256)
def _plan(body: bytes) -> Plan:
    return read_plan(orjson.loads(body))


def _status(incident: Incident, event: Event) -> Changes:
    return {"status": transitions.follow(transitions.INCIDENT, incident.status, type(event))}


def _armed(event: Event) -> Changes:
    """Start the steps and the search again from now."""
    return {
        "armed_at": event.at,
        "widened_at": event.at,
        "steps_done": 0,
        "last_step_at": None,
        "more_open": 0,
    }


def _updated(incident: Incident, event: incidents.IncidentUpdated) -> Changes:
    position = event.position or incident.position
    changes: Changes = {
        "severity": event.severity or incident.severity,
        "position": position,
        "musters": mustering.placed(incident, position),
        "hazards": tuple(dict.fromkeys((*incident.hazards, *event.hazards))),
        "professional": event.professional or incident.professional,
        "awaiting": event.awaiting,
    }
    return changes | _armed(event) if incident.awaiting and not event.awaiting else changes


def _rescheduled(incident: Incident, event: incidents.IncidentRescheduled) -> Changes:
    """Move the window; until they confirm it, it takes no time of those who were seated for the one before."""
    end: Changes = {"should_end_at": event.window.ends_at, "overdue_at": None}
    start = event.window.starts_at
    unsure = {
        one.id: replace(one, busy_from=start, busy_until=start, reminded_at=None)
        for one in incident.active()
        if one.status != "on_scene" and is_limited(incident)
    }
    changes: Changes = {"window": event.window, "assignments": {**incident.assignments, **unsure}}
    return changes | (end if incident.should_end_at is not None else {})


def _confirmed(_incident: Incident, event: Event) -> Changes:
    return {"awaiting": (), **_armed(event)}


def _recalled(incident: Incident, event: incidents.IncidentHeld | incidents.IncidentAborted) -> Changes:
    changes = _status(incident, event)
    recalls = {who: Recall(who, changes["status"], event.at) for who in event.recalled}
    return changes | {"recalls": {**incident.recalls, **recalls}}


def _aborted(incident: Incident, event: incidents.IncidentAborted) -> Changes:
    return _recalled(incident, event) | {"ended_at": event.at}


def _resumed(incident: Incident, event: Event) -> Changes:
    """Return to the state before the hold: open, or taken over by the human who had taken it over."""
    changes = _status(incident, event) | _armed(event)
    return changes if incident.taken_by is None else changes | {"status": "taken_over"}


def _taken_over(incident: Incident, event: incidents.IncidentTakenOver) -> Changes:
    return _status(incident, event) | {"taken_by": event.by}


def _given_back(incident: Incident, event: Event) -> Changes:
    return _status(incident, event) | _armed(event) | {"taken_by": None}


def _ended(incident: Incident, event: Event) -> Changes:
    return _status(incident, event) | {"ended_at": event.at}


def _closed(incident: Incident, event: incidents.IncidentClosed) -> Changes:
    return _ended(incident, event) | {"outcome": event.outcome}


def _overdue(_incident: Incident, event: incidents.IncidentOverdue) -> Changes:
    return {"overdue_at": event.at}


def _end_moved(_incident: Incident, event: incidents.IncidentEndMoved) -> Changes:
    return {"should_end_at": event.should_end_at, "overdue_at": None}


def _seats_added(incident: Incident, event: incidents.SeatsAdded) -> Changes:
    return _status(incident, event) | {"seats": (*incident.seats, *map(_seat_of, event.seats))}


def _covered(_incident: Incident, event: Event) -> Changes:
    return {"covered_at": event.at}


def _uncovered(_incident: Incident, event: Event) -> Changes:
    return {"covered_at": None, **_armed(event)}


def _fell_short(_incident: Incident, event: incidents.Shortfall) -> Changes:
    return {"retry_at": event.retry_at}


def _widened(incident: Incident, event: incidents.Widened) -> Changes:
    return {"ring": mustering.ring_of(incident, event), "widened_at": event.at}


def _step_done(_incident: Incident, event: incidents.StepDone) -> Changes:
    return {"steps_done": event.step + 1, "last_step_at": event.at}


def _step_skipped(_incident: Incident, event: incidents.StepSkipped) -> Changes:
    return {"steps_done": event.step + 1}


def _asked_more(incident: Incident, event: incidents.AskedMore) -> Changes:
    return _step_done(incident, event) | {"more_open": incident.more_open + event.more}


def _recall_acknowledged(incident: Incident, event: incidents.RecallAcknowledged) -> Changes:
    recall = replace(incident.recalls[event.volunteer_id], acknowledged_at=event.at)
    return {"recalls": {**incident.recalls, recall.volunteer_id: recall}}


def _extended(incident: Incident, event: offers.OfferExtended) -> Changes:
    offer = Offer(
        event.offer_id, event.volunteer_id, event.role, "extended", event.at, event.expires_at,
        event.distance_m, event.round_id, muster=event.muster,
    )  # fmt: skip
    changes: Changes = {"live": {**incident.live, offer.id: offer}, "offers_made": incident.offers_made + 1}
    if way_of(incident).begins_round(incident):
        changes |= {"round_at": event.at, "round_from": incident.offers_made}
    return changes


def _answered(incident: Incident, event: offers.OfferEvent) -> Changes:
    offer = incident.offer(event.offer_id) or incident.settled[event.offer_id]
    status = transitions.follow(transitions.OFFER, offer.status, type(event))
    late = event.outcome if isinstance(event, offers.OfferAnsweredLate) else offer.late
    after = replace(offer, status=status, settled_at=event.at, late=late, missed=_missed(offer, event))
    made = incident.offers_made + (offer.missed is not None) - (after.missed is not None)
    changes: Changes = {"live": _but(incident.live, offer), "offers_made": made}
    if isinstance(event, offers.OfferWaitlisted):
        after = replace(after, waiting_since=event.received_at, waiting_by=event.channel)
        waiting = {**incident.waiting, offer.id: after}
        return changes | {"waiting": waiting, "settled": _but(incident.settled, offer)}
    settled = {**incident.settled, offer.id: after}
    return changes | {"waiting": _but(incident.waiting, offer), "settled": settled}


def _but(found: Mapping[UUID, Offer], offer: Offer) -> Mapping[UUID, Offer]:
    """Return offers without one; a copy hashes no id again, of which a broadcast has thousands."""
    if offer.id not in found:
        return found
    others = dict(found)
    del others[offer.id]
    return others


def _missed(offer: Offer, event: offers.OfferEvent) -> offers.Missed | None:
    """Return why the offer reached nobody; an answer shows that it did."""
    if isinstance(event, offers.OfferAnswered):
        return None
    if isinstance(event, offers.OfferWithdrawn) and event.reason in get_args(offers.Missed):
        return cast("offers.Missed", event.reason)
    return offer.missed


def _assigned(incident: Incident, event: offers.Assigned) -> Changes:
    busy_from, busy_until = time_taken(incident)
    assignment = Assignment(
        event.assignment_id, event.offer_id, event.volunteer_id, event.seat, "assigned", event.at,
        busy_from=busy_from, busy_until=busy_until,
    )  # fmt: skip
    assignments = {**incident.assignments, assignment.id: assignment}
    seats = _with_seat(incident, event.seat, event.role)
    return {"assignments": assignments, "seats": _seats(seats, event.seat, event.assignment_id)}


def _with_seat(incident: Incident, number: int, role: str) -> tuple[Seat, ...]:
    """Return the seats of an incident, with one added where none has this number."""
    if any(seat.number == number for seat in incident.seats):
        return incident.seats
    return (*incident.seats, replace(incident.spare_seat(role), number=number))


def _seats(seats: tuple[Seat, ...], number: int, assignment_id: UUID | None) -> tuple[Seat, ...]:
    """Return seats, one of them given to an assignment or emptied."""
    return tuple(
        replace(seat, assignment_id=assignment_id) if seat.number == number else seat for seat in seats
    )


def _arrival_expected(incident: Incident, event: offers.ArrivalExpected) -> Changes:
    before = incident.assignments[event.assignment_id]
    after = replace(before, eta_at=event.eta_at, seat=event.seat, reserved_at=None)
    changes: Changes = {"assignments": {**incident.assignments, after.id: after}}
    if after.seat == before.seat:
        return changes
    seats = _with_seat(incident, event.seat, incident.seat_of(before).role)
    return changes | {"seats": _seats(_seats(seats, before.seat, None), after.seat, after.id)}


def _reseated(incident: Incident, event: offers.Reseated) -> Changes:
    before = incident.assignments[event.assignment_id]
    seats = _with_seat(incident, event.seat, incident.seat_of(before).role)
    added = next(seat.added for seat in seats if seat.number == event.seat)
    changes = _moved(incident, event, seat=event.seat, reserved_at=event.at if added else None)
    return changes | {"seats": _seats(_seats(seats, before.seat, None), event.seat, before.id)}


def _moved(incident: Incident, event: offers.AssignmentEvent, **changes: object) -> Changes:
    before = incident.assignments[event.assignment_id]
    status = transitions.follow(transitions.ASSIGNMENT, before.status, type(event))
    after = replace(before, status=status, **changes)
    return {"assignments": {**incident.assignments, after.id: after}}


def _doubted(incident: Incident, event: offers.Doubted) -> Changes:
    return _moved(incident, event, doubted_until=event.until)


def _cleared(incident: Incident, event: offers.AssignmentEvent, **changes: object) -> Changes:
    """End the doubt of an assignment, where there was one: it takes the time of the mission again."""
    if incident.assignments[event.assignment_id].doubted_until is None:
        return _moved(incident, event, **changes)
    start, end = time_taken(incident)
    return _moved(incident, event, doubted_until=None, busy_from=start, busy_until=end, **changes)


def _reminded(incident: Incident, event: offers.Reminded) -> Changes:
    return _moved(incident, event, reminded_at=event.at)


def _en_route(incident: Incident, event: offers.EnRoute) -> Changes:
    return _cleared(incident, event, en_route_at=event.at)


def _on_scene(incident: Incident, event: offers.OnScene) -> Changes:
    return _cleared(incident, event, on_scene_at=event.at)


def _released(incident: Incident, event: offers.Released) -> Changes:
    changes = _moved(incident, event, released_at=event.at, reason=event.reason, doubted_until=None)
    if event.reason == "done":
        return changes
    seat = incident.assignments[event.assignment_id].seat
    return changes | {"seats": _seats(incident.seats, seat, None)}


def _escalated(incident: Incident, event: escalations.EscalationEvent) -> Changes:
    return {"escalations": escalation.evolve(incident.escalations, event)}


_FOLDS: Mapping[type[Event], Fold] = {
    incidents.IncidentUpdated: _updated,
    incidents.IncidentRescheduled: _rescheduled,
    incidents.IncidentConfirmed: _confirmed,
    incidents.IncidentHeld: _recalled,
    incidents.IncidentResumed: _resumed,
    incidents.IncidentAborted: _aborted,
    incidents.IncidentTakenOver: _taken_over,
    incidents.IncidentGivenBack: _given_back,
    incidents.IncidentCancelled: _ended,
    incidents.IncidentClosed: _closed,
    incidents.IncidentOverdue: _overdue,
    incidents.IncidentEndMoved: _end_moved,
    incidents.SeatsAdded: _seats_added,
    incidents.IncidentCovered: _covered,
    incidents.IncidentUncovered: _uncovered,
    incidents.Shortfall: _fell_short,
    incidents.Widened: _widened,
    incidents.StepDone: _step_done,
    incidents.StepSkipped: _step_skipped,
    incidents.AskedMore: _asked_more,
    incidents.Referred: _step_done,
    incidents.RecallAcknowledged: _recall_acknowledged,
    offers.OfferExtended: _extended,
    offers.OfferAccepted: _answered,
    offers.OfferDeclined: _answered,
    offers.OfferExpired: _answered,
    offers.OfferWithdrawn: _answered,
    offers.OfferAnsweredLate: _answered,
    offers.OfferWaitlisted: _answered,
    offers.Assigned: _assigned,
    offers.Doubted: _doubted,
    offers.DoubtCleared: _cleared,
    offers.ArrivalExpected: _arrival_expected,
    offers.Reminded: _reminded,
    offers.Reseated: _reseated,
    offers.EnRoute: _en_route,
    offers.OnScene: _on_scene,
    offers.Released: _released,
    escalations.EscalationRaised: _escalated,
    escalations.EscalationAcknowledged: _escalated,
    escalations.EscalationLapsed: _escalated,
    escalations.EscalationResolved: _escalated,
    escalations.EscalationHandedOver: _escalated,
}
