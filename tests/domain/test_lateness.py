"""Responders who do not leave or arrive in time: their seat is asked again, and theirs where it is still free."""

import pytest

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Tick
from dispatch.domain.incident import Incident
from dispatch.domain.opening import open_incident
from schemas.offers import Reseated
from tests.domain.builders import (
    START,
    after,
    answered,
    ask,
    assignment_of,
    at,
    incident,
    opening,
    passed,
    picks,
    plan,
    tick_until,
    watch_plan,
)

ONE = ({"role": "helper", "skills": ("first_aid",), "count": 1},)
PLAN = plan(seats=ONE, en_route_within_s=300, on_scene_within_s=900, late_seat="asked_again")


def _assigned() -> Incident:
    return answered(ask(incident(PLAN), 1), 0, "accepted")


def _late() -> Incident:
    """Return an incident whose only responder has not left in time."""
    return passed(_assigned(), at(300))


def _in_reserve(state: Incident, number: int = 0) -> bool:
    return assignment_of(state, number).id in state.late()


def _reasons(state: Incident) -> set[str]:
    return {one.reason for one in state.open_escalations()}


def test_who_has_not_left_in_time_is_in_reserve_and_the_seat_is_asked_again() -> None:
    assert not _in_reserve(passed(_assigned(), at(299)))
    late = _late()
    assert (_in_reserve(late), late.covered_at, "not_en_route" in _reasons(late)) == (True, None, True)
    assert offers_wanted(late).total() > 0


def test_who_leaves_late_has_the_seat_again_where_it_is_still_free() -> None:
    back = answered(_late(), 0, "en_route", now=at(400))
    assert (_in_reserve(back), assignment_of(back, 0).reserved_at) == (False, None)
    assert back.covered_at == at(400)
    assert "not_en_route" not in _reasons(back)


def test_who_leaves_late_stays_in_reserve_where_somebody_else_has_the_seat() -> None:
    state = answered(after(_late(), picks(["helper"], 1), now=at(310)), 1, "accepted", now=at(320))
    back = answered(state, 0, "en_route", now=at(400))
    assert (_in_reserve(back), _in_reserve(back, 1), back.seated()) == (True, False, True)


def test_who_arrives_late_has_the_seat_again_where_it_is_still_free() -> None:
    there = answered(_late(), 0, "on_scene", now=at(400))
    assert (_in_reserve(there), there.arrived()) == (False, True)


def test_who_is_on_the_way_and_not_on_scene_in_time_is_in_reserve_and_a_supervisor_is_told() -> None:
    moving = answered(_assigned(), 0, "en_route", now=at(100))
    assert not _in_reserve(passed(moving, at(999)))
    late = passed(moving, at(1000))
    assert (_in_reserve(late), "not_on_scene" in _reasons(late)) == (True, True)
    there = answered(late, 0, "on_scene", now=at(1100))
    assert (_in_reserve(there), there.arrived(), _reasons(there)) == (False, True, set())


def test_who_was_late_and_is_there_first_has_the_seat_of_whoever_is_stood_down() -> None:
    late = passed(answered(_assigned(), 0, "en_route", now=at(100)), at(1000))
    state = answered(after(late, picks(["helper"], 1), now=at(1010)), 1, "accepted", now=at(1020))
    there = answered(state, 0, "on_scene", now=at(1030))
    assert (assignment_of(there, 1).reason, _in_reserve(there), there.seated()) == ("stood_down", False, True)
    assert answered(there, 0, "released", now=at(1040)).status == "closed"


def test_who_was_late_and_is_there_takes_a_seat_that_falls_free_later() -> None:
    two = plan(seats=({"role": "helper", "skills": ("first_aid",), "count": 2},), late_seat="asked_again")
    state = answered(answered(ask(incident(two), 2), 0, "accepted"), 1, "accepted", "en_route")
    state = after(passed(state, at(300)), picks(["helper"], 2), now=at(310))
    state = answered(answered(state, 2, "accepted", now=at(320)), 0, "on_scene", now=at(330))
    assert _in_reserve(state)
    freed = answered(state, 2, "declined", now=at(340))
    seated = after(freed, Tick(), now=at(340))
    assert (_in_reserve(seated), seated.seated()) == (False, True)


def test_a_plan_that_does_not_say_when_people_must_be_there_awaits_them() -> None:
    patient = incident(plan(seats=ONE, late_seat="asked_again"))
    moving = answered(answered(ask(patient, 1), 0, "accepted"), 0, "en_route")
    assert "late" not in agenda(moving)


def test_a_plan_may_leave_the_seat_to_who_is_late() -> None:
    held = passed(answered(ask(incident(plan(seats=ONE)), 1), 0, "accepted"), at(400))
    assert (_in_reserve(held), "not_en_route" in _reasons(held)) == (False, True)


def test_who_is_late_is_told_and_reseated_once() -> None:
    found = [event for event in tick_until(_assigned(), at(3000)) if isinstance(event, Reseated)]
    assert [event.reserve for event in found] == [True]


@pytest.mark.parametrize("under", [watch_plan(late_seat="asked_again"), PLAN])
def test_nobody_is_late_for_a_notice_or_once_enough_are_there(under: object) -> None:
    if under is PLAN:
        state = answered(_assigned(), 0, "on_scene")
    else:
        state = answered(ask(incident(watch_plan(late_seat="asked_again")), 2), 0, "accepted")
    assert "late" not in agenda(state)


def test_an_incident_that_was_opened_while_release_0_1_0_ran_only_escalates() -> None:
    old = open_incident(opening(ends=False), PLAN, START).incident
    late = passed(answered(ask(old, 1), 0, "accepted"), at(300))
    assert (_in_reserve(late), "not_en_route" in _reasons(late)) == (False, True)
