"""Whatever happens to one incident, in whatever order: what must hold after each command."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatch.domain.agenda import agenda
from dispatch.domain.answering.arrivals import is_too_late
from dispatch.domain.answering.waiting_list import asked_instead, stands_before
from dispatch.domain.asking.offers import offers_due, offers_wanted
from dispatch.domain.commands import (
    Acknowledge,
    Act,
    AnswerOffer,
    Command,
    Consider,
    Free,
    Pick,
    Tick,
    Unreached,
    Update,
)
from dispatch.domain.decide import apply
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.evolve import evolve, replay
from dispatch.domain.incident import Incident
from dispatch.domain.opening import open_incident
from dispatch.domain.places.service_area import Area
from dispatch.services.plans.plan_files import load
from schemas.base import Event, Window
from schemas.decoding import revive
from schemas.ids import named
from schemas.incidents import IncidentAborted, IncidentHeld
from schemas.offers import EnRoute, Missed, OfferExtended, OfferWaitlisted, OnScene
from schemas.plans import BROADCAST_ROUND
from schemas.replies import DOUBTFUL, Answer
from schemas.reports import Professional
from tests.domain.builders import CALLED, PLACE, START, moved_to, opening, person, plan, unsettled, watch_plan

STEPS = (
    {"after_s": 30, "level": 1, "do": "widen"},
    {"after_s": 60, "level": 1, "do": "ask_more", "more": 2, "missing": 2},
    {"after_s": 120, "level": 2, "do": "page"},
    {"after_s": 180, "level": 2, "do": "refer", "to": ("CODIS 67",)},
    {"after_s": 240, "level": 3, "do": "repeat"},
)
PLANS = (
    plan(),
    plan(steps=STEPS, late_seat="asked_again", on_scene_within_s=300, ends_after_s=1800),
    plan(lane="planned", steps=STEPS, ask_ahead_s=86_400, late_seat="asked_again", offers={"window_s": 3600}),
    plan(lane="planned", ask="broadcast", quiet="off", offers={"window_s": 3600, "most": 200}),
    plan(offers={"open": 3, "per_seat": 2, "window_s": 30, "surplus": 2, "most": 8}),
    plan(
        seats=(
            {"role": "driver", "skills": ("driver",), "count": 1},
            {"role": "helper", "skills": ("first_aid",), "count": 2},
        ),
        offers={"open": 6, "per_seat": 2, "surplus": 1},
    ),
    plan(ask="wave", offers={"open": 3, "window_s": 30, "surplus": 1}),
    plan(ask="sequential", offers={"window_s": 30}),
    plan(ask="broadcast", offers={"window_s": 300, "surplus": 1, "most": 200}),
    watch_plan(),
    watch_plan(ask="broadcast", offers={"most": 200}),
    watch_plan(seats=({"role": "watcher", "skills": ("watch",), "count": 1},)),
    *load(None).plans,
)
PEOPLE = [person(number) for number in range(9)]
ACTS = ("confirm", "hold", "resume", "abort", "takeover", "give-back", "close", "cancel", "escalate")
HAZARDS = st.sampled_from([(), (), (), ("traffic",), ("fire",), ("weapon", "traffic")])
PROFESSIONAL = st.sampled_from([CALLED, CALLED, Professional(), Professional(requested=True)])
SHORT = st.sampled_from([0, 0, 1, 5, 30, 60, 61, 300])
LONG = st.sampled_from([0, 1, 30, 61, 300, 3600, 7 * 3600, 24 * 3600])


def _window(hours: float, now: datetime = START) -> Window:
    """Return four hours that begin so many hours from now."""
    starts_at = now + timedelta(hours=hours)
    return Window(starts_at=starts_at, ends_at=starts_at + timedelta(hours=4))


class OneIncident(RuleBasedStateMachine):
    """One incident, nine people and a restless supervisor."""

    incident: Incident
    missed_any = False

    @initialize(
        under=st.sampled_from(PLANS),
        mode=st.sampled_from(["actual", "actual", "exercise", "test", "draft"]),
        position=st.sampled_from([PLACE, PLACE, PLACE, None]),
        hazards=HAZARDS,
        professional=PROFESSIONAL,
        trusted=st.sampled_from([True, True, False]),
        area=st.sampled_from([None, None, Area(48, 2, 49, 3), Area(2, 48, 3, 49)]),
        window=st.sampled_from([None, *map(_window, (-1, 1, 9, 40))]),
    )
    def open(self, under: object, **report: object) -> None:
        decision = open_incident(opening(**report), under, START)  # type: ignore[arg-type]
        self.now = START
        self.incident = decision.incident
        self.events = list(decision.events)

    def do(self, command: Command) -> list[Event]:
        """Give a command; a refusal changes nothing, any other error fails the test."""
        decision = Decision(self.incident, self.now)
        try:
            apply(decision, command)
        except RefusedError:
            with pytest.raises(RefusedError):
                apply(Decision(unsettled(self.incident, command), self.now), command)
            return []
        self.check_unsettled(decision, command)
        self.check_asked(decision.events)
        self.check_recalled(decision.events)
        self.incident = decision.incident
        self.events += decision.events
        return decision.events

    def check_unsettled(self, decision: Decision, command: Command) -> None:
        """Check that what is settled, and does not concern the command, changes nothing."""
        other = Decision(unsettled(self.incident, command), self.now)
        apply(other, command)
        assert other.events == decision.events
        assert agenda(other.incident) == agenda(decision.incident)
        assert offers_wanted(other.incident) == offers_wanted(decision.incident)

    def check_asked(self, events: Sequence[Event]) -> None:
        before = self.incident
        shut = (
            before.status != "open"
            or before.awaiting
            or before.position is None
            or before.mode == "draft"
            or set(before.hazards) & set(before.plan.forbidden_hazards)
        )
        assert not (shut and any(isinstance(event, OfferExtended) for event in events))

    def check_recalled(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, IncidentAborted | IncidentHeld):
                assert set(event.recalled) == set(self.incident.involved())

    @rule(seconds=SHORT | LONG)
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def agenda_is_worked_when_due(self) -> None:
        due = [at for kind, at in agenda(self.incident).items() if kind != "consider"]
        self.now = max(self.now, min(due, default=self.now))
        self.tick()

    @rule(missed=st.sampled_from([None, None, *get_args(Missed)]))
    def tick(self, missed: Missed | None = None) -> None:
        due_before = [
            kind for kind, at in agenda(self.incident).items() if at <= self.now and kind != "consider"
        ]
        reason = dict.fromkeys(self.incident.live, missed) if missed is not None else {}
        events = self.do(Tick(missed=reason))
        self.missed_any |= missed is not None
        assert bool(events) == bool(due_before)
        late = {kind for kind, at in agenda(self.incident).items() if at <= self.now and kind != "consider"}
        assert not late, "what is due is done, so that the agenda never turns in a hot loop"

    @rule(
        people=st.lists(st.sampled_from(PEOPLE), max_size=8, unique=True),
        roles=st.lists(st.integers(0, 2), min_size=8, max_size=8),
        contended=st.booleans(),
        unsendable=st.sampled_from([False, False, True]),
        number=st.integers(),
    )
    def consider(
        self, people: list[UUID], roles: list[int], *, contended: bool, unsendable: bool, number: int
    ) -> None:
        names = [seat.role for seat in self.incident.plan.seats] + ["ghost"]
        picks = tuple(
            Pick(who, names[role % len(names)], 100) for who, role in zip(people, roles, strict=False)
        )
        wanted = offers_due(self.incident, self.now)
        self.do(Consider(named("round", number), picks, {"rest": 1}, contended, unsendable))
        assert not wanted or agenda(self.incident).get("consider", self.now + timedelta(seconds=1)) > self.now

    @precondition(lambda self: self.incident.offers)
    @rule(data=st.data(), reason=st.sampled_from(get_args(Missed)), many=st.booleans())
    def unreached(self, data: st.DataObject, reason: Missed, *, many: bool) -> None:
        offer = data.draw(st.sampled_from(list(self.incident.offers.values())))
        before = self.incident
        self.do(Unreached(offer.id, reason, many=many))
        self.missed_any = True
        assert many or offer.id not in self.incident.live
        assert offer.id in before.live or self.incident == before

    @precondition(lambda self: self.incident.offers)
    @rule(
        data=st.data(),
        answer=st.sampled_from(["accepted", "accepted", "accepted", "declined", *get_args(Answer)]),
        ago=SHORT,
        engaged=st.sampled_from([False, False, False, True]),
        whose=st.sampled_from(["own", "own", "own", "own", "other"]),
        minutes=st.sampled_from([None, None, None, 4, 60]),
        reason=st.sampled_from([None, DOUBTFUL]),
    )
    def reply(
        self,
        data: st.DataObject,
        answer: Answer,
        ago: int,
        minutes: int | None,
        reason: str | None,
        *,
        engaged: bool,
        whose: str,
    ) -> None:
        offer = data.draw(st.sampled_from(list(self.incident.offers.values())))
        who = offer.volunteer_id if whose == "own" else person(99)
        received = max(offer.extended_at, self.now - timedelta(seconds=ago))
        eta_at = None if minutes is None else received + timedelta(minutes=minutes)
        reply = AnswerOffer(
            offer.id, who, answer, "sms", received, engaged=engaged, eta_at=eta_at, reason=reason
        )
        before = self.incident
        events = self.do(reply)
        assert whose == "own" or not events
        if answer == "accepted" and whose == "own" and not engaged and offer.status != "accepted":
            self.check_yes(before, reply)
        assert not self.do(reply), "the same answer twice changes nothing the second time"

    def check_yes(self, before: Incident, reply: AnswerOffer) -> None:
        offer = asked_instead(before, before.offers[reply.offer_id], reply.received_at)
        role = offer.role
        late = is_too_late(before, reply.eta_at, reply.received_at)
        # Somebody whose answer is in doubt gives way to a clear yes, but to nobody who is too late.
        free = any(seat.role == role and (seat.empty or not late) for seat in before.open_seats())
        there = any(a.volunteer_id == reply.volunteer_id for a in before.active())
        seated = any(a.offer_id == offer.id for a in self.incident.assignments.values())
        expected = free and not there and not before.ended and not before.arrived()
        expected &= not stands_before(before, offer)
        assert seated == expected, "a yes is seated where a seat is free, however late"

    @rule(what=st.sampled_from(ACTS))
    def act(self, what: str) -> None:
        self.do(Act(what, "Ada"))  # type: ignore[arg-type]

    @rule(what=st.sampled_from(("confirm", "resume", "give-back")))
    def let_go_on(self, what: str) -> None:
        self.do(Act(what, "Ada"))  # type: ignore[arg-type]

    @rule(role=st.sampled_from(("helper", "driver")), count=st.integers(1, 2))
    def reinforce(self, role: str, count: int) -> None:
        self.do(Act("reinforce", "Ada", role=role, count=count))

    @rule(hours=st.sampled_from([-1, 0, 0.5, 12, 48]))
    def move(self, hours: float) -> None:
        self.do(moved_to(_window(hours, self.now)))

    @precondition(lambda self: self.incident.escalations)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        escalation = data.draw(st.sampled_from(list(self.incident.escalations)))
        self.do(Acknowledge(escalation, "Ada"))

    @rule(
        severity=st.sampled_from([None, "routine"]),
        position=st.sampled_from([None, PLACE]),
        hazards=HAZARDS,
        professional=st.none() | PROFESSIONAL,
        trusted=st.booleans(),
    )
    def update(self, **said: object) -> None:
        self.do(Update(named("update"), **said))  # type: ignore[arg-type]
        forbidden = set(self.incident.hazards) & set(self.incident.plan.forbidden_hazards)
        assert not (forbidden and self.incident.involved()), "a hazard calls everybody back"

    @rule(who=st.sampled_from(PEOPLE), why=st.sampled_from(["overlap", "left"]))
    def free(self, who: UUID, why: str) -> None:
        self.do(Free(who, why))  # type: ignore[arg-type]
        assert all(offer.volunteer_id != who for offer in self.incident.live_offers())
        assert why == "left" or all(a.volunteer_id != who for a in self.incident.active())

    @invariant()
    def nobody_is_seated_twice_and_no_seat_holds_two(self) -> None:
        active = list(self.incident.active())
        assert max(Counter(a.volunteer_id for a in active).values(), default=0) <= 1
        assert max(Counter(a.seat for a in active).values(), default=0) <= 1
        held = {s.number: s.assignment_id for s in self.incident.seats if s.assignment_id is not None}
        assert all(held.get(a.seat) == a.id for a in active)
        assert len(set(held.values())) == len(held)

    @invariant()
    def offers_stay_within_the_plan(self) -> None:
        live = list(self.incident.live_offers())
        policy = self.incident.plan.offers
        assert max(Counter(offer.volunteer_id for offer in live).values(), default=0) <= 1
        assert not {o.volunteer_id for o in live} & {a.volunteer_id for a in self.incident.active()}
        most = {"sequential": 1, "broadcast": BROADCAST_ROUND}.get(self.incident.plan.ask, policy.open)
        assert len(live) <= most + sum(step.more for step in self.incident.plan.steps)
        reached = [offer for offer in self.incident.offers.values() if offer.missed is None]
        assert self.incident.offers_made == len(reached)
        assert len(self.incident.offers) <= policy.most or self.missed_any
        need = sum(not seat.added for seat in self.incident.seats)
        assert self.incident.filled().total() <= need

    @invariant()
    def only_a_broadcast_has_a_waiting_list_in_the_order_of_the_answers(self) -> None:
        said = {e.offer_id: e.received_at for e in self.events if isinstance(e, OfferWaitlisted)}
        waiting = [offer.id for offer in self.incident.waiting_list()]
        assert not waiting or self.incident.plan.ask == "broadcast"
        assert waiting == sorted(waiting, key=lambda name: (said[name], name))

    @invariant()
    def an_ended_incident_binds_nobody(self) -> None:
        if self.incident.ended:
            assert not self.incident.involved()
            assert not self.incident.waiting or agenda(self.incident)["withdraw"] <= self.now
            assert self.incident.ended_at is not None

    @invariant()
    def covered_says_whether_each_role_has_its_people(self) -> None:
        if not self.incident.ended:
            assert (self.incident.covered_at is not None) == self.incident.seated()

    @invariant()
    def nothing_is_forgotten(self) -> None:
        incident = self.incident
        if incident.status != "open":
            return
        if incident.covered_at is not None:
            assert list(incident.active()), "an incident whose responders have all gone is closed"
        else:
            assert agenda(incident) or list(incident.open_escalations())

    @invariant()
    def a_notice_sends_nobody(self) -> None:
        if self.incident.plan.engagement == "notice":
            assert not any(isinstance(event, EnRoute | OnScene) for event in self.events)

    @invariant()
    def an_escalation_is_open_or_settled_for_good(self) -> None:
        reasons = Counter(escalation.reason for escalation in self.incident.open_escalations())
        assert max(reasons.values(), default=0) <= 1

    def teardown(self) -> None:
        """Rebuild the incident from its journal: as it went over the wire, and event by event."""
        read = [revive(event.type, event.model_dump_json().encode()) for event in self.events]
        assert read == self.events
        assert replay(read) == self.incident
        assert self.incident.seq == len(read)
        assert evolve(None, read[0]).seq == 1


TestOneIncident = OneIncident.TestCase
TestOneIncident.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
