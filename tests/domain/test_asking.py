"""The ways of asking: waves, one after the other, and everybody in rounds."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_due, offers_wanted
from dispatch.domain.commands import Tick, Unreached
from dispatch.domain.incident import Incident
from schemas.base import Window
from schemas.plans import BROADCAST_ROUND, Plan
from schemas.replies import DOUBTFUL, Answer
from tests.domain.builders import (
    acted,
    after,
    answered,
    ask,
    at,
    incident,
    offer_of,
    passed,
    person,
    picks,
    plan,
    reply,
)

ONE = ({"role": "helper", "skills": ("first_aid",), "count": 1},)
WAVE = plan(ask="wave", seats=ONE, offers={"open": 3, "window_s": 60})
SEQUENTIAL = plan(ask="sequential", offers={"window_s": 60})
BROADCAST = plan(ask="broadcast", offers={"window_s": 3600, "most": 250})


def invited(count: int) -> Incident:
    """Return a broadcast that has asked so many, in rounds as their times come."""
    state, first = incident(BROADCAST), 0
    while first < count:
        size = min(BROADCAST_ROUND, count - first)
        state = after(state, picks(["helper"] * size, first), now=at(first))
        first += size
    return state


def said_yes(state: Incident) -> Incident:
    """Return a broadcast to which four people said yes: two have its seats, two wait."""
    for number in range(4):
        state = answered(state, number, "accepted", now=at(number))
    return state


def test_a_wave_asks_its_whole_number_for_one_missing_seat() -> None:
    assert offers_wanted(incident(WAVE)) == {"helper": 3}


@pytest.mark.parametrize("under", [WAVE, BROADCAST.model_copy(update={"seats": WAVE.seats})])
def test_for_a_seat_that_is_in_doubt_one_more_is_asked_and_no_round(under: Plan) -> None:
    seated = answered(ask(incident(under), 1), 0, "accepted")
    doubt = replace(reply(seated, 0, "declined"), reason=DOUBTFUL)
    state = after(seated, doubt, now=at(10))
    assert offers_wanted(state) == {"helper": 1}
    assert not offers_wanted(ask(state, 1, first=1, now=at(11)))


def test_the_next_wave_begins_only_when_nobody_of_the_last_may_still_answer() -> None:
    asked = ask(incident(WAVE), 3)
    two_answered = answered(answered(asked, 0, "declined"), 1, "declined")
    assert not offers_wanted(two_answered)
    assert offers_wanted(answered(two_answered, 2, "declined")) == {"helper": 3}
    assert offers_wanted(passed(two_answered, at(60))) == {"helper": 3}


def test_a_wave_is_completed_by_whom_a_wider_search_finds_and_whoever_was_not_reached_is_replaced() -> None:
    two = ask(incident(WAVE), 2)
    assert (two.ring, offers_wanted(two)) == (1, {"helper": 1})
    declined = answered(two, 0, "declined")
    assert offers_wanted(declined) == {"helper": 1}, "who has answered belongs to the wave still"
    whole = ask(declined, 1, first=2)
    assert not offers_wanted(whole)
    assert offers_wanted(after(whole, Unreached(offer_of(whole, 2).id))) == {"helper": 1}


def test_one_after_the_other_no_second_person_is_asked_while_one_may_answer() -> None:
    asked = ask(incident(SEQUENTIAL), 1)
    assert (offers_wanted(incident(SEQUENTIAL)), offers_wanted(asked)) == ({"helper": 1}, {})
    assert offers_wanted(answered(asked, 0, "declined")) == {"helper": 1}
    seated = answered(asked, 0, "accepted")
    assert offers_wanted(seated) == {"helper": 1}, "the next seat is filled in its turn"


def test_a_late_yes_is_thanked_where_another_was_seated_one_after_the_other() -> None:
    first = passed(ask(incident(plan(ask="sequential", seats=ONE)), 1), at(60))
    state = answered(ask(first, 1, first=1, now=at(61)), 1, "accepted", now=at(70))
    late = answered(state, 0, "accepted", now=at(80))
    assert (offer_of(late, 0).late, late.filled()) == ("thanked", {"helper": 1})


def test_a_broadcast_asks_a_hundred_at_a_time_with_an_entry_for_the_next_round() -> None:
    opened = incident(BROADCAST)
    assert offers_due(opened, at(0)) == {"helper": BROADCAST_ROUND}
    asked = invited(BROADCAST_ROUND)
    assert not offers_due(asked, at(4)), "an answer meanwhile begins no round"
    assert agenda(asked)["consider"] == at(5)
    assert offers_due(asked, at(5)) == {"helper": BROADCAST_ROUND}
    assert offers_wanted(invited(200)) == {"helper": 50}, "and no more than the plan's most"


def test_a_broadcast_is_closed_once_its_seats_are_filled_and_a_further_yes_waits_in_the_order_of_receipt() -> (
    None
):
    state = answered(answered(invited(100), 0, "accepted"), 1, "accepted")
    assert (state.covered_at, offers_wanted(state)) == (at(0), {})
    assert len(state.live) == 98, "who was asked may still say yes"
    later = answered(state, 2, "accepted", now=at(20), received=at(15))
    state = answered(later, 3, "accepted", now=at(21), received=at(10))
    assert [offer.volunteer_id for offer in state.waiting_list()] == [person(3), person(2)]
    assert "waiting" not in agenda(state)


def test_a_place_that_falls_free_is_for_the_first_who_waits_before_anybody_else_is_asked() -> None:
    freed = answered(said_yes(invited(100)), 0, "declined", now=at(30))
    assert (offers_wanted(freed), agenda(freed)["waiting"]) == ({}, at(30))
    assert not freed.seated()
    assert answered(freed, 5, "accepted", now=at(31)).waiting_list()[-1].volunteer_id == person(5)
    seated = after(freed, Tick(), now=at(31))
    assert seated.seated()
    assert offer_of(seated, 2).status == "accepted"
    assert [offer.volunteer_id for offer in seated.waiting_list()] == [person(3)]


def test_nobody_who_waits_is_woken_for_a_seat_that_falls_free_at_night() -> None:
    start = at(3 * 24 * 3600)
    night = {"from": "22:00", "to": "08:00"}
    under = plan(
        ask="broadcast", lane="planned", seats=ONE, quiet=night, offers={"window_s": 86_400, "most": 250}
    )
    state = incident(under, window=Window(starts_at=start, ends_at=start + timedelta(hours=2)))
    state = after(state, picks(["helper"] * 2), now=at(0))
    state = answered(answered(state, 0, "accepted"), 1, "accepted", now=at(1))
    morning, freed = at(11 * 3600), answered(state, 0, "declined", now=at(2 * 3600))
    assert agenda(freed)["waiting"] == morning, "at 8:00 in Paris"
    assert offer_of(after(freed, Tick(), now=at(3 * 3600)), 1).status == "waitlisted"
    assert after(freed, Tick(), now=morning).seated()


def test_whoever_is_engaged_elsewhere_leaves_the_list_and_the_next_is_seated() -> None:
    freed = answered(said_yes(invited(100)), 0, "released", now=at(30))
    seated = after(freed, Tick(engaged=frozenset({person(2)})), now=at(31))
    assert (offer_of(seated, 2).status, offer_of(seated, 3).status) == ("withdrawn", "accepted")


def below_a_day_before() -> Incident:
    """Return a broadcast that begins in ten hours and whose seat falls free, with two who wait."""
    start = at(10 * 3600)
    state = incident(
        BROADCAST.model_copy(update={"lane": "planned"}),
        window=Window(starts_at=start, ends_at=start + timedelta(hours=2)),
    )
    state = said_yes(after(state, picks(["helper"] * 100)))
    return answered(state, 0, "declined", now=at(30))


def test_below_a_day_before_a_planned_mission_the_first_who_waits_is_asked_and_not_seated() -> None:
    asked = after(below_a_day_before(), Tick(), now=at(31))
    assert (offer_of(asked, 2).status, asked.seated()) == ("extended", False)
    assert "waiting" not in agenda(asked), "one is asked for one seat"
    declined = answered(asked, 2, "declined", now=at(40))
    assert agenda(declined)["waiting"] == at(40)
    assert answered(asked, 2, "accepted", now=at(40)).seated()


@pytest.mark.parametrize(("answer", "status"), [("accepted", "accepted"), ("declined", "declined")])
def test_whoever_is_asked_from_the_list_may_answer_with_the_code_of_their_first_offer(
    answer: Answer, status: str
) -> None:
    before = below_a_day_before()
    asked = after(before, Tick(), now=at(31))
    state = after(asked, reply(before, 2, answer, at(40)), now=at(40))
    assert (offer_of(state, 2).status, state.waiting_list("helper")) == (status, asked.waiting_list("helper"))
    late = after(asked, reply(before, 2, answer, at(20)), now=at(40))
    assert offer_of(late, 2).status == "extended", "said before they were asked again"


def test_whoever_is_asked_from_the_list_is_sent_to_the_point_of_their_first_offer() -> None:
    state = below_a_day_before()
    gathering = {name: replace(offer, muster="CIS Barr") for name, offer in state.waiting.items()}
    asked = after(replace(state, waiting=gathering), Tick(), now=at(31))
    assert offer_of(asked, 2).muster == "CIS Barr"


def test_a_no_takes_somebody_off_the_list() -> None:
    state = answered(answered(answered(invited(100), 0, "accepted"), 1, "accepted"), 2, "accepted")
    assert offer_of(answered(state, 2, "declined"), 2).status == "declined"
    assert not answered(state, 2, "released").waiting


def test_very_many_offers_end_a_hundred_at_a_time() -> None:
    expired = after(invited(250), Tick(), now=at(4000))
    assert len(expired.live) == 150
    assert agenda(expired)["offer"] < at(4000)
    closed = acted(invited(250), "close", now=at(300))
    assert (len(closed.live), agenda(closed)["withdraw"]) == (150, at(300))
    assert not after(closed, Tick(), Tick(), now=at(301)).live


@pytest.mark.parametrize(
    "changes",
    [
        {"ask": "sequential", "offers": {"surplus": 1}},
        {"ask": "broadcast", "offers": {"most": BROADCAST_ROUND}},
        {"ask": "lottery"},
    ],
)
def test_a_plan_is_rejected_whose_way_of_asking_contradicts_its_offers(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        plan(**changes)


def test_the_window_of_a_round_is_the_plans() -> None:
    assert offer_of(invited(1), 0).expires_at == at(0) + timedelta(hours=1)
