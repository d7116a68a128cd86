"""The end of a mission: it ends by itself where it may, and pages somebody where it must not."""

from datetime import datetime, timedelta

import pytest

from dispatch.domain.agenda import agenda
from dispatch.domain.commands import Acknowledge, Act, Free, Tick
from dispatch.domain.incident import Escalation, Incident
from dispatch.domain.scheduling.ending import ends_at
from schemas.base import Engagement, Lane, Severity
from schemas.incidents import IncidentOverdue
from schemas.plans import Plan
from tests.domain.builders import (
    START,
    acted,
    after,
    answered,
    ask,
    assignment_of,
    at,
    hazards,
    incident,
    passed,
    person,
    plan,
    tick_until,
    watch_plan,
)

MIN, HOUR = 60, 3600
END = 2 * HOUR
PLANNED, URGENT = plan(lane="planned", quiet="off", ends_after_s=END), plan(ends_after_s=END)


def _coming(under: Plan, people: int = 2, **changes: object) -> Incident:
    """Return an incident to which so many people are assigned, who say nothing more."""
    state = ask(incident(under, **changes), people)
    for number in range(people):
        state = answered(state, number, "accepted")
    return state


def _there(under: Plan, people: int = 2, **changes: object) -> Incident:
    """Return an incident where so many people are on scene."""
    state = _coming(under, people, **changes)
    for number in range(people):
        state = answered(state, number, "on_scene")
    return state


def _open(state: Incident) -> dict[str, Escalation]:
    return {one.reason: one for one in state.open_escalations()}


def _asked(state: Incident, end: datetime) -> list[set[object]]:
    return [set(event.asked) for event in tick_until(state, end) if isinstance(event, IncidentOverdue)]


@pytest.mark.parametrize(
    ("engagement", "lane", "hours"),
    [
        ("dispatch", "urgent", 3),
        ("crew", "urgent", 12),
        ("notice", "urgent", 24),
        ("dispatch", "planned", 7 * 24),
        ("notice", "planned", 24),
    ],
)
def test_a_plan_that_names_no_end_has_that_of_its_engagement_and_lane(
    engagement: Engagement, lane: Lane, hours: int
) -> None:
    assert ends_at(plan(engagement=engagement, lane=lane), None, START) == START + timedelta(hours=hours)


def test_an_end_that_a_plan_does_not_name_changes_no_hash() -> None:
    assert "ends_after_s" not in plan().canonical
    assert incident(URGENT).should_end_at == at(END)


def test_at_the_end_of_a_mission_its_responders_are_asked_once() -> None:
    assert _asked(_there(URGENT), at(END - 1)) == []
    assert _asked(_there(URGENT), at(END + 5 * HOUR)) == [{person(0), person(1)}]


def test_ten_minutes_after_the_responders_a_supervisor_is_told_of_what_is_planned_and_paged_otherwise() -> (
    None
):
    for under, page in ((PLANNED, False), (URGENT, True)):
        assert "not_ended" not in _open(passed(_there(under), at(END + 10 * MIN - 1)))
        assert _open(passed(_there(under), at(END + 10 * MIN)))["not_ended"].page == page


def test_where_nobody_comes_a_supervisor_is_told_at_once() -> None:
    assert _asked(incident(URGENT), at(END)) == [set()]
    assert _open(passed(incident(URGENT), at(END)))["not_ended"].page


@pytest.mark.parametrize(("people", "outcome"), [(2, "unreported"), (0, "nobody_came")])
def test_a_planned_mission_ends_itself_an_hour_after_its_end_and_binds_nobody(
    people: int, outcome: str
) -> None:
    state = _there(PLANNED, people)
    assert passed(state, at(END + HOUR - 1)).status == "open"
    ended = passed(state, at(END + HOUR))
    assert (ended.status, ended.outcome, ended.ended_at) == ("closed", outcome, at(END + HOUR))
    assert (list(ended.active()), list(ended.open_escalations())) == ([], [])


@pytest.mark.parametrize(
    ("under", "severity"), [(URGENT, "routine"), (PLANNED, "life_threatening"), (URGENT, "life_threatening")]
)
def test_any_other_mission_pages_until_a_person_ends_it(under: Plan, severity: Severity) -> None:
    state = passed(_there(under, severity=severity), at(END + 10 * MIN))
    named = _open(state)["not_ended"].id
    state = passed(after(state, Acknowledge(named, "Ada"), now=at(END + 11 * MIN)), at(END + 48 * HOUR))
    found = _open(state)["not_ended"]
    assert (state.status, found.status, found.page) == ("open", "raised", True)
    assert found.told_at > at(END + 47 * HOUR)
    assert not _open(acted(state, "close", now=at(END + 48 * HOUR)))


def test_a_drill_ends_itself_whatever_its_severity() -> None:
    state = passed(_there(URGENT, mode="exercise", severity="life_threatening"), at(END + HOUR))
    assert (state.status, state.outcome) == ("closed", "unreported")


@pytest.mark.parametrize("act", ["hold", "takeover"])
def test_what_is_held_or_taken_over_pages_at_its_end_asks_nobody_and_never_ends_itself(act: str) -> None:
    state = acted(_there(PLANNED), act, now=at(MIN))
    assert _asked(state, at(END)) == [set()]
    state = passed(state, at(END))
    assert _open(state)["not_ended"].page
    assert not passed(state, at(END + 48 * HOUR)).ended


def test_what_is_held_after_a_supervisor_was_only_told_pages() -> None:
    told = passed(_there(PLANNED), at(END + 10 * MIN))
    held = answered(told, 0, "danger", now=at(END + 11 * MIN))
    assert (held.status, _open(held)["not_ended"].page) == ("held", False)
    assert _open(passed(held, at(END + 11 * MIN)))["not_ended"].page


def test_an_act_of_a_supervisor_after_the_end_moves_it_by_an_hour() -> None:
    state = acted(passed(_there(URGENT), at(END + 10 * MIN)), "takeover", now=at(END + 20 * MIN))
    assert ("not_ended" in _open(state), state.should_end_at) == (False, at(END + 80 * MIN))
    assert _open(passed(state, at(END + 80 * MIN)))["not_ended"].page


def test_seats_that_are_added_after_the_end_move_it_by_an_hour() -> None:
    late = passed(_there(PLANNED), at(END + 10 * MIN))
    state = after(late, Act("reinforce", "Ada", role="helper", count=1), now=at(END + 20 * MIN))
    assert ("not_ended" in _open(state), state.should_end_at) == (False, at(END + 80 * MIN))


def test_who_is_alone_on_the_way_or_on_scene_at_the_end_is_called_about_at_once() -> None:
    for status in ("en_route", "on_scene"):
        for under in (PLANNED, URGENT):
            state = passed(answered(_coming(under, 1), 0, status), at(END))
            assert _open(state)["alone_overdue"].page


def test_who_only_accepted_or_is_not_alone_is_not_called_about_at_once() -> None:
    for state in (_coming(URGENT, 1), _there(URGENT, 2)):
        assert "alone_overdue" not in _open(passed(state, at(END + 9 * MIN)))


def test_who_is_left_alone_after_the_end_is_called_about_then() -> None:
    state = answered(passed(_there(URGENT), at(END)), 0, "released", now=at(END + MIN))
    assert _open(passed(state, at(END + MIN)))["alone_overdue"].page


def test_nobody_is_looked_for_any_more_who_has_answered() -> None:
    alone = passed(_there(PLANNED, 1), at(END))
    assert "alone_overdue" not in _open(answered(alone, 0, "released", now=at(END + MIN)))
    assert "alone_overdue" not in _open(answered(alone, 0, "not_yet", now=at(END + MIN)))


def test_a_planned_mission_that_ends_itself_still_pages_about_who_is_out_there_alone_until_somebody_has_seen_it() -> (
    None
):
    ended = passed(_there(PLANNED, 1), at(END + HOUR))
    assert (ended.outcome, list(_open(ended))) == ("unreported", ["alone_overdue"])
    assert agenda(ended).keys() == {"page"}
    seen = after(ended, Acknowledge(_open(ended)["alone_overdue"].id, "Ada"), now=at(END + HOUR))
    assert (_open(seen), agenda(seen)) == ({}, {})


def test_a_not_yet_moves_the_end_by_an_hour_and_the_responders_are_asked_again_then() -> None:
    state = passed(_there(PLANNED), at(END + 15 * MIN))
    later = answered(state, 0, "not_yet", now=at(END + 20 * MIN))
    assert (later.should_end_at, later.overdue_at, _open(later)) == (at(END + 80 * MIN), None, {})
    assert answered(later, 1, "not_yet", now=at(END + 21 * MIN)).should_end_at == later.should_end_at
    assert _asked(later, at(END + 80 * MIN)) == [{person(0), person(1)}]
    assert passed(later, at(END + 140 * MIN)).outcome == "unreported"


def test_a_not_yet_before_the_end_or_from_who_was_released_moves_nothing() -> None:
    assert answered(_there(URGENT), 0, "not_yet").should_end_at == at(END)
    left = answered(passed(_there(URGENT), at(END)), 0, "released", now=at(END))
    assert answered(left, 0, "not_yet", now=at(END)).should_end_at == at(END)


def test_a_mission_that_should_have_ended_is_done_when_the_last_who_came_says_so() -> None:
    asked = passed(_coming(PLANNED, 1), at(END))
    ended = answered(asked, 0, "released", now=at(END + MIN))
    assert (ended.status, ended.outcome, assignment_of(ended, 0).reason) == ("closed", "done", "done")


def test_a_mission_that_should_have_ended_and_to_which_nobody_came_is_not_done() -> None:
    asked = passed(_coming(PLANNED, 1), at(END))
    left = answered(asked, 0, "declined", now=at(END + MIN))
    assert left.status == "open"
    assert passed(left, at(END + HOUR)).outcome == "nobody_came"


def test_a_notice_ends_itself_at_its_end_and_asks_nobody() -> None:
    notice = watch_plan(ends_after_s=END)
    assert passed(incident(notice), at(END)).outcome == "nobody_came"
    read = answered(ask(incident(notice), 1), 0, "accepted")
    assert _asked(read, at(END)) == [set()]
    ended = passed(read, at(END))
    assert (ended.status, ended.outcome, assignment_of(ended, 0).reason) == ("closed", "done", "done")


def test_an_incident_that_was_opened_while_release_0_1_0_ran_has_no_end() -> None:
    old = answered(ask(incident(URGENT, ends=False), 2), 0, "accepted")
    assert (old.should_end_at, "ending" in agenda(old)) == (None, False)


def test_what_has_ended_has_no_end_to_come() -> None:
    for ended in (
        acted(_there(URGENT), "close"),
        acted(_there(URGENT), "cancel"),
        after(_there(URGENT), hazards("fire")),
    ):
        assert "ending" not in agenda(ended)


def test_who_is_needed_elsewhere_is_asked_about_no_end() -> None:
    state = after(_there(PLANNED), Free(person(0), "overlap"), now=at(MIN))
    assert _asked(state, at(END)) == [{person(1)}]


def test_after_an_outage_the_responders_still_have_their_time_to_answer() -> None:
    late = at(END + 5 * HOUR)
    back = after(_there(PLANNED), Tick(), now=late)
    assert (back.status, back.overdue_at, "not_ended" in _open(back)) == ("open", late, False)
    assert passed(back, late + timedelta(minutes=59)).status == "open"
