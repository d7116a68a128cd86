"""A doubtful answer: the seat is held for a minute, one more is asked, and the first clear yes has the seat."""

from msgspec.structs import replace

from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Tick
from dispatch.domain.decide import decide
from dispatch.domain.incident import Incident
from schemas.offers import Released
from schemas.replies import DOUBTFUL
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
    person,
    plan,
    reply,
    watch_plan,
)


def doubted(before: Incident, number: int, seconds: float = 5) -> Incident:
    """Return the incident after the halves of a text cast doubt on a volunteer's yes."""
    command = replace(reply(before, number, "declined", at(seconds)), reason=DOUBTFUL)
    return after(before, command, now=at(seconds))


def covered_in_doubt() -> Incident:
    """Return an incident whose two seats are filled, one of them in doubt from the fifth second on."""
    return doubted(answered(answered(ask(incident(), 2), 0, "accepted"), 1, "accepted"), 0)


def released(before: Incident, now: float) -> list[tuple[object, str]]:
    return [(e.volunteer_id, e.reason) for e in decide(before, Tick(), at(now)) if isinstance(e, Released)]


def test_a_doubt_holds_the_seat_asks_one_more_and_is_shown_to_a_supervisor() -> None:
    state = covered_in_doubt()
    assert state.filled() == {"helper": 2}
    assert state.covered_at is not None
    assert offers_wanted(state) == {"helper": 1}
    (told,) = state.open_escalations()
    assert (told.reason, told.page) == ("answer_doubtful", False)
    assert due(state)["doubt"] == 65


def test_without_a_clear_yes_within_a_minute_the_seat_is_free() -> None:
    state = covered_in_doubt()
    assert released(state, 64) == []
    assert released(state, 65) == [(person(0), "stood_down")]
    later = passed(state, at(66))
    assert later.filled() == {"helper": 1}
    assert later.covered_at is None
    assert "answer_doubtful" not in {e.reason for e in later.open_escalations()}


def test_a_clear_yes_ends_the_doubt_and_the_search_for_one_more() -> None:
    state = ask(covered_in_doubt(), 1, first=7, now=at(6))
    assert [o.volunteer_id for o in state.live_offers()] == [person(7)]
    sure = answered(state, 0, "accepted", now=at(30))
    assert list(sure.live_offers()) == []
    assert list(sure.open_escalations()) == []
    assert "doubt" not in due(sure)
    assert released(sure, 70) == []
    assert sure.filled() == {"helper": 2}


def test_whoever_leaves_or_arrives_is_in_doubt_no_more() -> None:
    for answer in ("en_route", "on_scene"):
        state = answered(covered_in_doubt(), 0, answer, now=at(10))
        assert state.doubted() == []
        assert "answer_doubtful" not in {e.reason for e in state.open_escalations()}


def test_whoever_says_again_that_they_are_on_the_way_is_in_doubt_no_more() -> None:
    state = doubted(answered(ask(incident(), 2), 0, "accepted", "en_route"), 0)
    sure = answered(state, 0, "en_route", now=at(10))
    assert sure.doubted() == []
    assert released(sure, 70) == []


def test_a_clear_no_ends_the_doubt_at_once() -> None:
    state = answered(covered_in_doubt(), 0, "declined", now=at(10))
    assert state.filled() == {"helper": 1}
    assert list(state.open_escalations()) == []
    assert "doubt" not in due(state)


def test_the_clear_yes_of_one_more_takes_the_seat_that_is_held_in_doubt() -> None:
    state = ask(covered_in_doubt(), 1, first=7, now=at(6))
    events = decide(state, reply(state, 7, "accepted", at(20)), at(20))
    assert kinds(events)[:3] == ["assignment.released", "offer.accepted", "assignment.assigned"]
    state = answered(state, 7, "accepted", now=at(20))
    assert {a.volunteer_id for a in state.active()} == {person(1), person(7)}
    assert assignment_of(state, 0).reason == "stood_down"
    assert list(state.open_escalations()) == []


def test_an_empty_seat_is_filled_before_the_one_held_in_doubt() -> None:
    state = doubted(answered(ask(incident(), 3), 0, "accepted"), 0)
    state = answered(state, 1, "accepted", now=at(10))
    assert {a.volunteer_id for a in state.active()} == {person(0), person(1)}


def test_the_offer_of_one_more_is_not_withdrawn_while_the_doubt_lasts() -> None:
    state = ask(covered_in_doubt(), 1, first=7, now=at(6))
    state = answered(state, 1, "en_route", now=at(8))
    assert offer_of(state, 7).status == "extended"


def test_a_doubt_does_not_end_while_an_answer_waits_to_be_processed() -> None:
    state = covered_in_doubt()
    assert "assignment.released" not in kinds(decide(state, Tick(frozenset({offer_of(state, 0).id})), at(70)))


def test_a_second_half_prolongs_no_doubt() -> None:
    assert due(doubted(covered_in_doubt(), 0, 9))["doubt"] == 65


def test_whoever_is_on_scene_or_only_informed_is_not_doubted() -> None:
    there = answered(ask(incident(), 2), 0, "accepted", "on_scene")
    assert doubted(there, 0).doubted() == []
    notice = answered(ask(incident(watch_plan(kinds=("medical.fall",))), 2), 0, "accepted")
    assert doubted(notice, 0).doubted() == []


def test_a_doubt_without_a_seat_changes_nothing() -> None:
    state = ask(incident(), 2)
    assert decide(state, replace(reply(state, 0, "declined", at(5)), reason=DOUBTFUL), at(5)) == []


def test_an_incident_that_ends_ends_its_doubts() -> None:
    state = acted(covered_in_doubt(), "close", now=at(20))
    assert "doubt" not in due(state)
    assert list(state.open_escalations()) == []


def test_a_plan_that_has_asked_as_many_as_it_may_asks_nobody_for_a_doubt() -> None:
    full = answered(
        answered(ask(incident(plan(offers={"open": 5, "most": 2})), 2), 0, "accepted"), 1, "accepted"
    )
    assert not offers_wanted(doubted(full, 0))
