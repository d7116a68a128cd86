"""When responders say that they arrive: a yes for later is not a yes for now."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Acknowledge, AnswerOffer
from dispatch.domain.decide import decide
from dispatch.domain.evolve import evolve
from dispatch.domain.incident import Escalation, Incident
from schemas.base import Severity
from schemas.escalations import EscalationEvent
from schemas.offers import ArrivalExpected
from schemas.replies import Answer
from tests.domain.builders import (
    acted,
    after,
    answered,
    ask,
    assignment_of,
    at,
    due,
    incident,
    kinds,
    offer_of,
    passed,
    plan,
    reply,
    watch_plan,
)

LIMIT = 900
"""The plan of these tests can use an arrival within fifteen minutes."""
PLAN = plan(arrive_within_s=LIMIT)
MIN = 60


def says(
    state: Incident, number: int, minutes: float, received: float = 0, answer: Answer = "accepted"
) -> AnswerOffer:
    return replace(reply(state, number, answer, at(received)), eta_at=at(received + minutes * MIN))


def heard(
    state: Incident, number: int, minutes: float, now: float = 0, answer: Answer = "accepted"
) -> Incident:
    return after(state, says(state, number, minutes, now, answer), now=at(now))


def asked(people: int = 3, **changes: object) -> Incident:
    return ask(incident(plan(arrive_within_s=LIMIT, **changes)), people)


def in_reserve(state: Incident, number: int) -> bool:
    return state.seat_of(assignment_of(state, number)).reserve


def told(state: Incident) -> list[Escalation]:
    return [e for e in state.open_escalations() if e.reason == "late_arrival"]


def eta(state: Incident, number: int) -> datetime | None:
    return assignment_of(state, number).eta_at


def test_a_yes_within_the_time_that_the_plan_can_use_fills_a_needed_seat_and_keeps_its_time() -> None:
    state = heard(asked(), 0, 15)
    assert (state.filled(), eta(state, 0), told(state)) == ({"helper": 1}, at(LIMIT), [])
    assert not in_reserve(state, 0)


def test_a_yes_for_later_is_in_reserve_fills_no_seat_and_tells_a_supervisor_without_a_page() -> None:
    state = heard(asked(), 0, 60)
    assert in_reserve(state, 0)
    assert (state.filled(), offers_wanted(state)) == ({}, {"helper": 2})
    assert [(e.page, e.level, e.detail) for e in told(state)] == [
        (False, 1, "expected in 60 min, the plan can use 15 min")
    ]


def test_two_yes_for_later_cover_nothing() -> None:
    state = heard(heard(asked(), 0, 60), 1, 90)
    assert state.covered_at is None
    assert len({a.seat for a in state.active()}) == 2
    assert offers_wanted(state) == {"helper": 3}


def test_the_needed_seats_stay_free_for_those_who_come_in_time() -> None:
    state = answered(answered(heard(asked(), 0, 60), 1, "accepted"), 2, "accepted")
    assert state.covered_at is not None
    assert [in_reserve(state, n) for n in range(3)] == [True, False, False]
    assert told(state) == []


def test_a_yes_for_later_does_not_take_the_reserve_seat_of_the_plan() -> None:
    state = heard(asked(5, offers={"open": 7, "surplus": 1}), 0, 60)
    for number in (1, 2, 3):
        state = answered(state, number, "accepted")
    assert state.filled() == {"helper": 3}
    assert len(list(state.active())) == 4


def test_a_yes_for_later_is_thanked_where_enough_others_come() -> None:
    state = heard(answered(answered(asked(), 0, "accepted"), 1, "accepted"), 2, 60)
    assert (offer_of(state, 2).late, len(list(state.active()))) == ("thanked", 2)


def test_it_pages_where_nobody_else_is_asked_or_on_the_way() -> None:
    assert [e.page for e in told(heard(asked(1), 0, 60))] == [True]
    somebody = answered(asked(2), 0, "accepted")
    assert [e.page for e in told(heard(somebody, 1, 60))] == [False]


def test_a_late_yes_for_later_is_said_to_be_in_reserve() -> None:
    state = passed(asked(2), at(61))
    events = decide(state, says(state, 0, 60, 70), at(70))
    assert kinds(events)[:4] == [
        "offer.answered_late", "offer.accepted", "assignment.assigned", "assignment.arrival_expected",
    ]  # fmt: skip
    assert getattr(events[0], "outcome", None) == "reserve"


@pytest.mark.parametrize(
    ("severity", "minutes"), [("life_threatening", 15), ("urgent", 30), ("routine", 120)]
)
def test_a_plan_that_says_nothing_can_use_what_its_severity_allows(severity: Severity, minutes: int) -> None:
    state = ask(incident(severity=severity), 2)
    assert heard(state, 0, minutes).filled() == {"helper": 1}
    assert heard(state, 0, minutes + 1).filled() == {}


def test_a_field_with_a_default_changes_no_hash_of_an_older_plan() -> None:
    assert "arrive_within_s" not in plan().canonical
    assert plan().hash != PLAN.hash


def test_a_time_said_after_the_yes_is_kept_and_said_again_changes_nothing() -> None:
    state = heard(answered(asked(), 0, "accepted"), 0, 10, now=60)
    assert eta(state, 0) == at(660)
    assert decide(state, says(state, 0, 10, 60), at(90)) == []


def test_whoever_says_after_the_yes_that_they_come_too_late_gives_way_and_one_more_is_asked() -> None:
    covered = answered(answered(asked(4), 0, "accepted"), 1, "accepted")
    events = decide(covered, says(covered, 0, 40, 60), at(60))
    assert kinds(events) == ["assignment.arrival_expected", "incident.uncovered", "escalation.raised"]
    state = heard(covered, 0, 40, now=60)
    assert assignment_of(state, 0).active
    assert (state.filled(), offers_wanted(state)) == ({"helper": 1}, {"helper": 2})


def test_whoever_comes_sooner_than_they_said_takes_a_seat_that_is_still_free() -> None:
    state = heard(heard(asked(), 0, 60), 0, 5, now=30)
    assert (state.filled(), in_reserve(state, 0)) == ({"helper": 1}, False)


def test_somebody_in_reserve_is_seated_when_they_are_near_enough_and_a_seat_is_still_free() -> None:
    state = heard(asked(), 0, 60)
    assert due(state)["arrival"] == 45 * MIN
    assert passed(state, at(45 * MIN - 1)).filled() == {}
    near = passed(state, at(45 * MIN))
    assert (near.filled(), in_reserve(near, 0)) == ({"helper": 1}, False)
    assert "arrival" not in due(near)


def test_nobody_is_due_to_be_seated_where_no_seat_is_free() -> None:
    state = answered(answered(heard(asked(), 0, 60), 1, "accepted"), 2, "accepted")
    assert "arrival" not in due(state)
    assert due(answered(state, 1, "declined"))["arrival"] == 45 * MIN


def test_somebody_in_reserve_who_is_on_scene_fills_a_seat() -> None:
    state = heard(asked(), 0, 60)
    there = answered(state, 0, "on_scene", now=at(100))
    assert (there.filled(), in_reserve(there, 0)) == ({"helper": 1}, False)


def test_somebody_in_reserve_who_is_on_scene_takes_a_seat_that_somebody_else_leaves() -> None:
    state = answered(answered(heard(asked(), 0, 60), 1, "accepted"), 2, "accepted")
    there = answered(state, 0, "on_scene", now=at(100))
    left = answered(there, 1, "declined", now=at(120))
    assert passed(left, at(120)).filled() == {"helper": 2}


def test_the_seat_of_somebody_in_reserve_is_offered_to_nobody_once_they_leave() -> None:
    state = answered(heard(asked(), 0, 60), 0, "declined")
    assert offers_wanted(state) == {"helper": 2}
    again = heard(state, 1, 60)
    assert len(again.seats) == 3


def test_somebody_in_reserve_is_not_awaited_on_the_way() -> None:
    state = passed(heard(asked(), 0, 60), at(600))
    assert "not_en_route" not in {e.reason for e in state.open_escalations()}


def test_a_time_said_with_being_on_the_way_is_kept() -> None:
    state = heard(answered(asked(), 0, "accepted"), 0, 8, now=30, answer="en_route")
    assert (assignment_of(state, 0).status, eta(state, 0)) == ("en_route", at(30 + 8 * MIN))


def test_nobody_arrives_for_a_notice() -> None:
    state = heard(ask(incident(watch_plan()), 2), 0, 600)
    assert (state.filled(), eta(state, 0)) == ({"helper": 1}, None)


def test_a_supervisor_who_has_read_of_a_late_arrival_is_not_told_again() -> None:
    state = heard(asked(), 0, 60)
    (raised,) = told(state)
    read = after(state, Acknowledge(raised.id, "Ada"))
    assert told(read) == []
    assert [e.page for e in told(heard(read, 1, 90))] == [False]


def test_the_journal_leads_to_the_same_seats() -> None:
    state, events = asked(), []
    for command in (says(state, 0, 60), says(state, 1, 5), says(state, 0, 4, 50), says(state, 1, 70, 60)):
        found = decide(state, command, at(60))
        events += found
        for event in found:
            state = evolve(state, event)
    moves = [(e.seat, e.reserve) for e in events if isinstance(e, ArrivalExpected)]
    assert moves == [(3, True), (1, False), (2, False), (3, True)]
    assert [seat.assignment_id is None for seat in state.seats] == [True, False, False]
    assert all(isinstance(e, EscalationEvent) or hasattr(e, "incident_id") for e in events)


def test_everybody_in_reserve_is_released_with_the_others() -> None:
    assert list(acted(heard(asked(), 0, 60), "close").active()) == []
