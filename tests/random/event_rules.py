"""The rules that each event must obey when it happens, and what it changes in the model."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from schemas import escalations, incidents, offers
from schemas.base import Event
from schemas.plans import BROADCAST_ROUND, Plan, read_plan
from schemas.replies import ReplyReceived
from tests.random.model import Assignment, Escalation, Incident, Model, Offer, Seat

MOST_UNSENT = 2
"""How many offers to one person may have been unsent before the last one."""
GRACE = timedelta(seconds=5)
"""How long expiry waits for answers that were received and are not processed."""


def apply_events(model: Model, events: Sequence[Event]) -> None:
    """Apply the events of one transaction to the model; raises AssertionError where one breaks a rule."""
    checker = EventChecker(model, model.engagements())
    for event in events:
        checker.apply(event)
    for offer in checker.thanked_early:
        assert checker.elsewhere(offer), "a yes fills a free seat, however late"
    check_people(model)


def check_people(model: Model) -> None:
    """Check the rules that span incidents."""
    live = Counter(
        (o.volunteer, i.id if i.lane == "planned" else i.lane)
        for i in model.incidents.values() for o in i.live()
    )  # fmt: skip
    assert max(live.values(), default=0) <= 1, "nobody has two live offers in a lane but the planned"
    for who, name in (bound := model.engagements()):
        others = bound - {(who, name)}
        assert not model.bound(who, model.incidents[name], others), "nobody is in two missions at one time"
    for incident in model.incidents.values():
        check_live(model, incident)
        assert not any(model.meets(a.volunteer, incident) for a in incident.active()), "some must not meet"
        if incident.ended:
            assert not incident.involved(), "an ended incident binds nobody"
        else:
            assert incident.covered == incident.seated(), "covered says whether the needed seats are filled"


def check_live(model: Model, incident: Incident) -> None:
    """Check that each live offer is still wanted."""
    for offer in incident.live():
        assert incident.status != "taken_over", "what a human has taken over asks nobody"
        wanted = incident.free(offer.role) or incident.plan.ask == "broadcast"
        assert wanted, "no offer outlives the last free seat of its role"
        assert not model.people[offer.volunteer].stopped, "who said STOP holds no offer"


@dataclass
class EventChecker:
    """Checks the events of one transaction; records who was engaged before, and who was thanked despite a free seat.

    Incidents are written one after the other: the event that seats a volunteer elsewhere may come later.
    """

    model: Model
    before: set[tuple[UUID, UUID]]
    thanked_early: list[Offer] = field(default_factory=list)
    seated: list[offers.Assigned] = field(default_factory=list)

    def elsewhere(self, offer: Offer) -> bool:
        """Tell whether another incident kept somebody from that of an offer at some time of the transaction."""
        seated = {(one.volunteer_id, one.incident_id) for one in self.seated} | self.model.engagements()
        others = {(who, name) for who, name in seated if name != offer.incident}
        return self.model.bound(offer.volunteer, self.model.incidents[offer.incident], others)

    def apply(self, event: Event) -> None:
        """Check one event, then fold it in."""
        if isinstance(event, incidents.IncidentOpened):
            self.model.incidents[event.incident_id] = _opened(event)
        elif isinstance(event, ReplyReceived):
            self.model.replies[event.reply_id] = event
        elif isinstance(event, escalations.EscalationEvent):
            self._escalated(event)
        elif isinstance(event, offers.OfferEvent):
            self._offered(self.model.incidents[event.incident_id], event)
        elif isinstance(event, incidents.IncidentEvent) and type(event) in _FOLDS:
            if isinstance(event, offers.Assigned):
                self.seated.append(event)
            _FOLDS[type(event)](self.model.incidents[event.incident_id], event)

    def _escalated(self, event: escalations.EscalationEvent) -> None:
        case = self.model.incidents.get(event.subject_id)
        known = self.model.system if case is None else case.escalations
        if isinstance(event, escalations.EscalationRaised):
            known[event.escalation_id] = Escalation(event.reason, event.page, event.at)
        elif isinstance(event, escalations.EscalationAcknowledged):
            known[event.escalation_id].status = "acknowledged"
        elif isinstance(event, escalations.EscalationLapsed):
            known[event.escalation_id].status = "raised"
        else:
            known[event.escalation_id].status = "settled"

    def _offered(self, incident: Incident, event: offers.OfferEvent) -> None:
        if isinstance(event, offers.OfferExtended):
            self._extended(incident, event)
            return
        offer = incident.offers[event.offer_id]
        assert offer.volunteer == event.volunteer_id
        match event:
            case offers.OfferAccepted():
                in_time = event.received_at <= offer.expires_at and offer.status in ("extended", "expired")
                first = offer.status == "waitlisted" and incident.waiting(offer.role)[0] is offer
                known = in_time or offer.late in ("seated", "reserve")
                assert first or known, "a late yes is said to be late, and who waits is seated in their turn"
                offer.status = "accepted"
            case offers.OfferAnsweredLate():
                self._late(incident, offer, event)
            case offers.OfferExpired():
                assert offer.status == "extended", "only a live offer expires"
                offer.status = "expired"
            case offers.OfferWithdrawn():
                assert offer.status in ("extended", "waitlisted"), "only a live offer is withdrawn"
                enough = not incident.free(offer.role) or incident.arrived()
                assert event.reason != "covered" or enough, "nobody is stood down while a seat is free"
                offer.status, offer.withdrawn = "withdrawn", event.reason
            case offers.OfferDeclined():
                assert offer.status in ("extended", "expired", "waitlisted")
                offer.status = "declined"
            case offers.OfferWaitlisted():
                self._waitlisted(incident, offer, event)

    def _extended(self, incident: Incident, event: offers.OfferExtended) -> None:
        person = self.model.people[event.volunteer_id]
        assert incident.status == "open", "only an open incident asks"
        assert incident.placed
        assert not incident.awaiting
        assert incident.mode != "draft"
        assert not incident.forbidden(), "a hazard keeps volunteers away"
        assert not self.model.paused, "a pause stops new offers"
        assert not person.stopped, "who said STOP is not asked"
        assert person.permitted(incident.plan), "only those whom the lists of the plan permit are asked"
        assert person.apart not in incident.involved(), "two who must not meet are not asked for one incident"
        assert incident.mode == "actual" or person.drills, "only who opted in is asked in a drill"
        assert any(s.role == event.role and s.skill in person.skills for s in incident.seats.values())
        if incident.stations:
            assert person.station in incident.stations, (
                "only the members of the stations reached so far are asked"
            )
        assert event.muster == (person.station if incident.stations else None), (
            "each is sent to their own station"
        )
        earlier = [offer for offer in incident.offers.values() if offer.volunteer == person.id]
        assert all(offer.missed and offer.withdrawn == "unsent" for offer in earlier), "nobody is asked twice"
        assert len(earlier) <= MOST_UNSENT, "what is never sent is not tried for ever"
        stays = self.before & self.model.engagements()
        assert not self.model.bound(person.id, incident, stays), "who comes is not asked"
        assert not incident.arrived(), "nobody is asked once enough are there"
        offer = Offer(event.offer_id, incident.id, person.id, event.role, event.at, event.expires_at)
        incident.offers[offer.id] = self.model.offers[offer.id] = offer
        most = {"sequential": 1, "broadcast": BROADCAST_ROUND}.get(
            incident.plan.ask, incident.plan.offers.open
        )
        assert len(list(incident.live())) <= most
        made = [one for one in incident.offers.values() if not one.missed]
        assert len(made) <= incident.plan.offers.most

    def _waitlisted(self, incident: Incident, offer: Offer, event: offers.OfferWaitlisted) -> None:
        assert incident.plan.ask == "broadcast", "only a broadcast has a waiting list"
        assert incident.waiting(offer.role) or not incident.free(offer.role), (
            "nobody waits for a seat that is free"
        )
        assert offer.status != "accepted"
        offer.status, offer.waiting_since = "waitlisted", event.received_at
        assert incident.waiting(offer.role).index(offer) == event.place - 1, (
            "the earlier yes is before the later"
        )

    def _late(self, incident: Incident, offer: Offer, event: offers.OfferAnsweredLate) -> None:
        if event.outcome == "thanked":
            bound = self.model.bound(offer.volunteer, incident, self.before)
            gave_back = offer.status == "accepted"
            apart = self.model.meets(offer.volunteer, incident)
            over = incident.ended or incident.arrived() or gave_back or bound or apart
            if incident.free(offer.role) and not over:
                self.thanked_early.append(offer)
        else:
            late = event.received_at > offer.expires_at or offer.status in ("withdrawn", "declined")
            assert late, "a yes in time is not called late"
        offer.late = event.outcome


def _opened(event: incidents.IncidentOpened) -> Incident:
    plan = read_plan(event.plan)
    wanted = [(need, False) for need in plan.seats for _ in range(need.count)]
    if plan.seats:
        wanted += [(max(plan.seats, key=lambda need: need.count), True)] * plan.offers.surplus
    seats = {n: Seat(need.role, need.skills[0], extra) for n, (need, extra) in enumerate(wanted, 1)}
    assert [(s.number, s.role, s.all, s.reserve) for s in event.seats] == [
        (n, seat.role, (seat.skill,), seat.reserve) for n, seat in seats.items()
    ], "the event names the seats of its plan"
    return Incident(
        event.incident_id, event.lane, event.mode, event.severity, plan, event.position is not None, set(event.hazards),
        event.awaiting, seats, (event.window.starts_at, event.window.ends_at) if event.window else None,
        stations=_first_station(event, plan),
    )  # fmt: skip


def _first_station(event: incidents.IncidentOpened, plan: Plan) -> tuple[str, ...]:
    assert [one.name for one in event.musters] == list(plan.stations), "the order of the plan is the order"
    assert event.muster == next(iter(plan.stations), None)
    return plan.stations[:1]


def _widened(incident: Incident, event: incidents.Widened) -> None:
    assert event.muster not in incident.stations, "no station is reached twice"
    if event.muster is not None:
        incident.stations = (*incident.stations, event.muster)
        assert incident.stations == incident.plan.stations[: len(incident.stations)], (
            "stations come in their order"
        )


def _updated(incident: Incident, event: incidents.IncidentUpdated) -> None:
    incident.hazards |= set(event.hazards)
    incident.severity = event.severity or incident.severity
    incident.placed |= event.position is not None
    incident.awaiting = event.awaiting


def _seats_added(incident: Incident, event: incidents.SeatsAdded) -> None:
    assert incident.status in ("open", "held"), "more people are asked for where Renfort asks"
    for seat in event.seats:
        assert seat.number == max(incident.seats) + 1, "seats that are added take the next numbers"
        incident.seats[seat.number] = Seat(seat.role, seat.all[0], reserve=False)


def _confirmed(incident: Incident, _event: Event) -> None:
    incident.awaiting = ()


def _recalled(incident: Incident, event: incidents.IncidentHeld | incidents.IncidentAborted) -> None:
    assert set(event.recalled) == incident.involved(), "a recall reaches everybody involved"
    kind = "held" if isinstance(event, incidents.IncidentHeld) else "aborted"
    incident.status = kind
    incident.recalls |= dict.fromkeys(event.recalled, (kind, event.at, False))


def _seen(incident: Incident, event: incidents.RecallAcknowledged) -> None:
    kind, at, _ = incident.recalls[event.volunteer_id]
    incident.recalls[event.volunteer_id] = (kind, at, True)


def _resumed(incident: Incident, _event: Event) -> None:
    incident.status = "taken_over" if incident.taken else "open"


def _taken_over(incident: Incident, _event: Event) -> None:
    incident.status, incident.taken = "taken_over", True


def _given_back(incident: Incident, _event: Event) -> None:
    incident.status, incident.taken = "open", False


def _cancelled(incident: Incident, _event: Event) -> None:
    incident.status = "cancelled"


def _closed(incident: Incident, event: incidents.IncidentClosed) -> None:
    assert not incident.involved(), "nobody stays engaged by what ended"
    came = any(seat.holder for seat in incident.seats.values())
    if event.by == "renfort" and event.outcome == "done":
        assert incident.covered or (incident.overdue and came), "what is called done was done by somebody"
    elif event.by == "renfort":
        assert incident.overdue, "the clock ends nothing before its time"
        assert incident.ends_itself, (
            "the clock ends nothing that is a danger, and nothing that a human handles"
        )
    incident.status, incident.outcome = "closed", event.outcome


def _overdue(incident: Incident, event: incidents.IncidentOverdue) -> None:
    assert not incident.overdue, "nobody is asked twice whether it is over"
    assert incident.status == "open" or not event.asked, "nobody is asked of what a human handles"
    assert set(event.asked) <= incident.involved(), "who is not bound is not asked"
    incident.overdue = True


def _goes_on(incident: Incident, _event: Event) -> None:
    assert incident.overdue, "only an end that has passed is moved"
    incident.overdue = False


def _covered(incident: Incident, event: Event) -> None:
    incident.covered = isinstance(event, incidents.IncidentCovered)


def _assigned(incident: Incident, event: offers.Assigned) -> None:
    seat = _seat(incident, event.seat, event.role)
    assert seat.holder is None, "a seat has at most one person"
    assert not incident.holds(event.volunteer_id), "nobody has two seats"
    assert not incident.ended
    assert incident.mode != "draft"
    assert incident.offers[event.offer_id].status == "accepted"
    assert incident.offers[event.offer_id].role == seat.role == event.role
    seat.holder = event.assignment_id
    incident.assignments[event.assignment_id] = Assignment(event.volunteer_id, event.offer_id, event.seat)


def _seat(incident: Incident, number: int, role: str) -> Seat:
    """Give a seat, which is added where the incident has none of that number."""
    return incident.seats.setdefault(number, Seat(role, "", reserve=True, added=True))


def _expected(incident: Incident, event: offers.ArrivalExpected) -> None:
    assert incident.plan.engagement != "notice", "nobody arrives for a notice"
    assignment = incident.assignments[event.assignment_id]
    assert assignment.active
    before = incident.seats[assignment.seat]
    seat = _seat(incident, event.seat, before.role)
    assert seat.reserve == event.reserve
    assert seat is before or seat.holder is None, "a seat has at most one person"
    before.holder, seat.holder, assignment.seat = None, event.assignment_id, event.seat


def _reseated(incident: Incident, event: offers.Reseated) -> None:
    assert incident.plan.engagement != "notice", "nobody is late for a notice"
    assignment = incident.assignments[event.assignment_id]
    assert assignment.active
    assert not assignment.on_scene, "who is there is not late"
    before = incident.seats[assignment.seat]
    seat = _seat(incident, event.seat, before.role)
    assert seat.holder is None, "a seat has at most one person"
    assert before.added != seat.added, "who is late is in reserve, and who leaves then has a seat of the plan"
    before.holder, seat.holder, assignment.seat = None, event.assignment_id, event.seat


def _moved(incident: Incident, event: offers.AssignmentEvent) -> None:
    assert incident.plan.engagement != "notice", "a watch notice sends nobody"
    assignment = incident.assignments[event.assignment_id]
    assert assignment.active, "who was released does not move"
    assignment.on_scene |= isinstance(event, offers.OnScene)


def _released(incident: Incident, event: offers.Released) -> None:
    assignment = incident.assignments[event.assignment_id]
    assert assignment.active, "nobody is released twice"
    assignment.released = event.reason
    if event.reason != "done":
        incident.seats[assignment.seat].holder = None


_FOLDS: dict[type[Event], Callable[[Incident, Any], None]] = {
    incidents.IncidentUpdated: _updated,
    incidents.Widened: _widened,
    incidents.IncidentConfirmed: _confirmed,
    incidents.IncidentHeld: _recalled,
    incidents.IncidentAborted: _recalled,
    incidents.RecallAcknowledged: _seen,
    incidents.IncidentResumed: _resumed,
    incidents.IncidentTakenOver: _taken_over,
    incidents.IncidentGivenBack: _given_back,
    incidents.IncidentCancelled: _cancelled,
    incidents.IncidentClosed: _closed,
    incidents.IncidentOverdue: _overdue,
    incidents.IncidentEndMoved: _goes_on,
    incidents.SeatsAdded: _seats_added,
    incidents.IncidentCovered: _covered,
    incidents.IncidentUncovered: _covered,
    offers.Assigned: _assigned,
    offers.Doubted: _moved,
    offers.DoubtCleared: _moved,
    offers.ArrivalExpected: _expected,
    offers.Reminded: _moved,
    offers.Reseated: _reseated,
    offers.EnRoute: _moved,
    offers.OnScene: _moved,
    offers.Released: _released,
}
