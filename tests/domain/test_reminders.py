"""Before and around a window: reminders, attendance, late cancellation, a window that is moved."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_due
from dispatch.domain.commands import Tick, Update
from dispatch.domain.decide import decide
from dispatch.domain.incident import Incident
from schemas.base import Window
from schemas.offers import Reminded
from schemas.replies import Answer
from tests.domain.builders import (
    START,
    after,
    answered,
    ask,
    assignment_of,
    incident,
    kinds,
    moved_to,
    passed,
    plan,
    reply,
)

SLOT = Window(
    starts_at=datetime(2026, 11, 25, 6, 30, tzinfo=UTC), ends_at=datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
)
"""From 7:30 to 12:00 in Paris, three days later."""
NIGHT = {"from": "22:00", "to": "06:30"}
ONE = ({"role": "helper", "skills": ("first_aid",), "count": 1},)


def creche(**changes: object) -> Incident:
    """Return a seat that volunteer 0 has taken."""
    fields = {"lane": "planned", "quiet": NIGHT, "seats": ONE, "offers": {"window_s": 3600}}
    return answered(ask(incident(plan(**fields | changes), window=SLOT), 1), 0, "accepted")


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def moved(hours: float) -> Update:
    length = timedelta(hours=hours)
    return moved_to(Window(starts_at=SLOT.starts_at + length, ends_at=SLOT.ends_at + length))


def test_whoever_comes_is_reminded_a_day_before_and_in_the_evening_where_two_hours_before_is_night() -> None:
    state = creche()
    assert agenda(state)["reminder"] == utc(24, 6, 30)
    state = after(state, Tick(), now=utc(24, 6, 30))
    assert agenda(state)["reminder"] == utc(24, 20, 30)
    state = after(state, Tick(), now=utc(24, 20, 30))
    assert "reminder" not in agenda(state)


def test_a_plan_says_when_people_are_reminded() -> None:
    assert "reminder" not in agenda(creche(remind_before_s=()))
    assert agenda(creche(remind_before_s=(3600,), quiet="off"))["reminder"] == utc(25, 5, 30)


def test_after_an_outage_over_both_reminders_one_is_sent() -> None:
    done = decide(creche(), Tick(), utc(24, 21, 0))
    assert [event for event in kinds(done) if "reminded" in event] == ["assignment.reminded"]


def test_whoever_says_yes_after_a_reminder_was_due_is_not_reminded_of_it() -> None:
    late = answered(
        ask(incident(plan(lane="planned", quiet=NIGHT, seats=ONE), window=SLOT), 1),
        0,
        "accepted",
        now=utc(24, 8),
    )
    assert agenda(late)["reminder"] == utc(24, 20, 30)


def test_whoever_gave_the_seat_back_is_not_reminded() -> None:
    assert "reminder" not in agenda(answered(creche(), 0, "declined"))


def test_nobody_is_late_before_the_window_begins() -> None:
    within = timedelta(seconds=plan().en_route_within_s)
    assert agenda(creche())["en_route"] == SLOT.starts_at + within


def test_a_seat_that_is_given_back_late_is_asked_again_at_once_or_when_the_quiet_hours_end() -> None:
    by_day = answered(creche(), 0, "declined", now=utc(24, 12))
    assert offers_due(by_day, utc(24, 12)).total() > 0
    at_night = answered(creche(), 0, "declined", now=utc(24, 22))
    assert not offers_due(at_night, utc(24, 22))
    assert agenda(at_night)["consider"] == utc(25, 5, 30)


def test_when_everybody_cancels_at_the_last_minute_a_supervisor_is_paged_by_the_steps() -> None:
    state = answered(creche(), 0, "declined", now=SLOT.starts_at - timedelta(minutes=5))
    found = passed(state, SLOT.starts_at)
    assert [one.reason for one in found.open_escalations()] == ["uncovered"]


def test_a_seat_that_is_given_back_after_the_start_is_asked_again_until_the_end() -> None:
    state = answered(creche(), 0, "declined", now=SLOT.starts_at + timedelta(minutes=30))
    assert offers_due(state, state.last_at).total() > 0
    assert not offers_due(state, SLOT.ends_at)


def test_a_yes_after_the_seat_was_given_back_is_thanked_and_the_seat_stays_open() -> None:
    state = answered(answered(creche(), 0, "declined"), 0, "accepted", now=START + timedelta(seconds=5))
    assert not state.seated()
    assert [one.late for one in state.settled.values()] == ["thanked"]


def test_a_window_that_is_moved_asks_everybody_with_a_seat_again() -> None:
    state = after(creche(), moved(24), now=utc(23, 9))
    assert assignment_of(state, 0).doubted_until == utc(23, 10)
    assert [one.reason for one in state.open_escalations()] == ["window_moved"]
    sure = answered(state, 0, "accepted", now=utc(23, 9, 30))
    assert assignment_of(sure, 0).doubted_until is None
    assert not list(sure.open_escalations())
    assert agenda(sure)["reminder"] == utc(25, 6, 30)


def test_whoever_is_on_the_way_when_a_running_mission_is_made_longer_has_an_offers_time_to_confirm() -> None:
    state = answered(creche(), 0, "en_route", now=utc(25, 6, 20))
    longer = Window(starts_at=SLOT.starts_at, ends_at=SLOT.ends_at + timedelta(hours=2))
    state = after(state, moved_to(longer), now=utc(25, 7))
    assert assignment_of(state, 0).doubted_until == utc(25, 8)


def test_whoever_does_not_confirm_another_window_loses_the_seat() -> None:
    state = after(creche(), moved(24), now=utc(23, 9))
    state = after(state, Tick(), now=utc(23, 10))
    assert not state.seated()


def test_a_window_that_is_moved_takes_no_time_before_it_is_confirmed() -> None:
    state = after(creche(), moved(24), now=utc(23, 9))
    held = assignment_of(state, 0)
    assert held.busy_from == held.busy_until
    sure = assignment_of(answered(state, 0, "accepted", now=utc(23, 9, 30)), 0)
    assert (sure.busy_from, sure.busy_until) == (utc(26, 6, 30), utc(26, 11))


@pytest.mark.parametrize("answer", ["en_route", "on_scene"])
def test_whoever_comes_to_a_mission_that_was_moved_takes_its_time_and_not_that_of_another(
    answer: Answer,
) -> None:
    state = after(creche(), moved(24), now=utc(23, 9))
    there = assignment_of(answered(state, 0, answer, now=utc(23, 9, 30)), 0)
    assert (there.busy_from, there.busy_until) == (utc(26, 6, 30), utc(26, 11))
    engaged = replace(reply(state, 0, answer, utc(23, 9, 30)), engaged=True)
    assert assignment_of(after(state, engaged, now=utc(23, 9, 30)), 0).reason == "overlap"


def test_whoever_confirms_a_window_at_which_they_have_another_mission_gives_the_seat_back() -> None:
    state = after(creche(), moved(24), now=utc(23, 9))
    yes = replace(reply(state, 0, "accepted", utc(23, 9, 30)), engaged=True)
    found = after(state, yes, now=utc(23, 9, 30))
    assert assignment_of(found, 0).reason == "overlap"
    assert "overlapping_yes" in {one.reason for one in found.open_escalations()}


@pytest.mark.parametrize("hours", [24, -24])
def test_a_reminder_moves_with_its_window(hours: float) -> None:
    state = answered(after(creche(), moved(hours), now=utc(22, 20, 5)), 0, "accepted", now=utc(22, 20, 10))
    events = decide(state, Tick(), agenda(state)["reminder"])
    assert any(isinstance(event, Reminded) for event in events)
