"""What a volunteer's answer does: it names its offer and counts by when it was received."""

from time import process_time

import pytest
from msgspec.structs import replace

from dispatch.domain.commands import AnswerOffer
from dispatch.domain.decide import decide
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from schemas.ids import named
from schemas.offers import OfferAnsweredLate
from schemas.replies import Answer
from tests.domain.builders import (
    acted,
    after,
    answered,
    ask,
    assignment_of,
    at,
    incident,
    kinds,
    offer_of,
    one_left_on_scene,
    passed,
    person,
    picks,
    plan,
    reply,
    watch_plan,
)


def _full(surplus: int = 0, asked: int = 4) -> Incident:
    """Give an incident whose two seats are filled, by persons 0 and 1."""
    open_ = ask(incident(plan(offers={"open": 7, "surplus": surplus})), asked)
    return answered(answered(open_, 0, "accepted"), 1, "accepted")


def _expired() -> Incident:
    """Give an incident whose offers to two people have run out."""
    return passed(ask(incident(), 2), at(61))


def _late(state: Incident, number: int, received: float, now: float) -> list[str]:
    events = decide(state, reply(state, number, "accepted", at(received)), at(now))
    return [event.outcome for event in events if isinstance(event, OfferAnsweredLate)]


def test_a_yes_fills_a_seat() -> None:
    state = ask(incident(), 1)
    events = decide(state, reply(state, 0, "accepted"), at(5))
    assert kinds(events) == ["offer.accepted", "assignment.assigned"]


def test_the_last_yes_covers_the_incident_and_stands_the_others_down() -> None:
    state = answered(ask(incident(), 4), 0, "accepted")
    events = decide(state, reply(state, 1, "accepted"), at(5))
    assert kinds(events)[2:] == ["incident.covered", "offer.withdrawn", "offer.withdrawn"]


def test_with_a_surplus_the_others_stay_asked_until_the_reserve_is_filled_too() -> None:
    covered = _full(surplus=1)
    assert covered.covered_at is not None
    assert {o.volunteer_id for o in covered.live_offers()} == {person(2), person(3)}
    assert list(answered(covered, 2, "accepted").live_offers()) == []


def test_a_yes_received_in_time_counts_even_if_processed_after_the_offer_expired() -> None:
    state = _expired()
    assert _late(state, 0, received=59, now=90) == []
    assert answered(state, 0, "accepted", now=at(90), received=at(59)).filled() == {"helper": 1}


def test_a_late_yes_is_seated_if_the_seat_is_free() -> None:
    assert _late(_expired(), 0, received=70, now=70) == ["seated"]


def test_a_late_yes_before_anybody_noticed_that_the_offer_ran_out_is_late_all_the_same() -> None:
    state = ask(incident(), 1)
    assert _late(state, 0, received=61, now=62) == ["seated"]


def test_a_late_yes_takes_a_reserve_seat_if_only_that_is_free() -> None:
    state = passed(_full(surplus=1, asked=3), at(61))
    assert _late(state, 2, received=70, now=70) == ["reserve"]


def test_a_late_yes_is_thanked_if_no_seat_is_free() -> None:
    assert _late(_full(), 2, received=70, now=70) == ["thanked"]


def test_a_late_yes_is_thanked_once_however_often_it_is_said() -> None:
    state = answered(_full(), 2, "accepted", now=at(70))
    assert decide(state, reply(state, 2, "accepted", at(80)), at(80)) == []


def test_a_late_yes_to_an_incident_that_has_ended_is_thanked() -> None:
    assert _late(acted(ask(incident(), 1), "close"), 0, received=5, now=5) == ["thanked"]


def test_a_yes_after_a_no_is_seated_if_the_seat_is_free() -> None:
    state = answered(ask(incident(), 1), 0, "declined", "accepted")
    assert assignment_of(state, 0).active


def test_a_yes_from_a_volunteer_engaged_elsewhere_is_thanked_and_ends_the_offer() -> None:
    state = ask(incident(), 1)
    after_it = after(state, replace(reply(state, 0, "accepted"), engaged=True))
    assert (offer_of(after_it, 0).status, offer_of(after_it, 0).late) == ("expired", "thanked")


@pytest.mark.parametrize("since", ["declined", "released"])
def test_a_yes_received_before_a_no_that_was_applied_seats_nobody(since: Answer) -> None:
    state = answered(ask(incident(), 1), 0, since)
    assert after(state, replace(reply(state, 0, "accepted"), overtaken_by=frozenset({since}))) == state


@pytest.mark.parametrize("since", ["accepted", "en_route", "on_scene"])
@pytest.mark.parametrize("answer", ["declined", "released"])
def test_a_no_received_before_a_yes_that_was_applied_releases_nobody(answer: Answer, since: Answer) -> None:
    state = answered(ask(incident(), 1), 0, "accepted")
    assert after(state, replace(reply(state, 0, answer), overtaken_by=frozenset({since}))) == state


def test_a_yes_is_applied_after_a_later_one_of_being_on_the_way() -> None:
    state = answered(ask(incident(), 1), 0, "en_route")
    late = replace(reply(state, 0, "accepted"), overtaken_by=frozenset({"en_route"}))
    assert assignment_of(after(state, late), 0).active


@pytest.mark.parametrize("since", ["accepted", "declined", "released"])
def test_danger_counts_whatever_was_answered_since(since: Answer) -> None:
    state = answered(ask(incident(), 1), 0, "accepted")
    danger = replace(reply(state, 0, "danger"), overtaken_by=frozenset({since}))
    assert after(state, danger).status == "held"


def test_a_yes_to_an_older_offer_seats_the_person_once_and_takes_the_newer_offer_back() -> None:
    older = _expired()
    newer = after(older, picks(["helper"]), now=at(65))
    state = after(newer, reply(older, 0, "accepted", at(70)), now=at(70))
    assert [offer.status for offer in state.offers.values() if offer.volunteer_id == person(0)] == [
        "accepted",
        "withdrawn",
    ]
    assert after(state, reply(newer, 0, "accepted", at(71)), now=at(71)) == state


@pytest.mark.parametrize(
    "answer", ["accepted", "declined", "en_route", "on_scene", "released", "danger", "acknowledged"]
)
@pytest.mark.parametrize("state", [ask(incident(), 2), _full(), _expired(), acted(_full(), "hold")])
def test_the_same_answer_twice_changes_nothing_the_second_time(state: Incident, answer: Answer) -> None:
    said = reply(state, 0, answer, at(70))
    once = after(state, said, now=at(70))
    assert after(once, said, now=at(75)) == once


def test_the_yes_that_ended_a_notice_changes_nothing_when_it_comes_again() -> None:
    state = ask(incident(watch_plan()), 2)
    closed = answered(answered(state, 0, "accepted"), 1, "accepted")
    assert after(closed, reply(closed, 1, "accepted"), now=at(9)) == closed


def test_an_answer_to_somebody_elses_offer_is_refused() -> None:
    state = ask(incident(), 2)
    with pytest.raises(RefusedError):
        decide(state, replace(reply(state, 0, "accepted"), volunteer_id=person(1)), at(5))


def test_an_answer_to_an_offer_that_never_was_is_refused() -> None:
    state = ask(incident(), 1)
    with pytest.raises(RefusedError):
        decide(state, replace(reply(state, 0, "accepted"), offer_id=person(7)), at(5))


def test_a_no_after_a_yes_frees_the_seat_and_restarts_the_search() -> None:
    state = answered(_full(), 0, "declined", now=at(40))
    assert state.covered_at is None
    assert state.armed_at == at(40)
    assert assignment_of(state, 0).reason == "withdrew"


def test_the_others_are_stood_down_when_enough_are_on_scene() -> None:
    state = answered(_full(surplus=1), 2, "accepted")
    state = answered(answered(state, 0, "on_scene"), 1, "en_route", "on_scene")
    assert assignment_of(state, 2).reason == "stood_down"
    assert {a.volunteer_id for a in state.active()} == {person(0), person(1)}


def test_a_volunteer_who_withdraws_from_the_scene_no_longer_counts_as_arrived() -> None:
    state = answered(_full(surplus=1), 0, "on_scene", "declined")
    state = answered(answered(state, 2, "accepted"), 1, "on_scene")
    assert assignment_of(state, 2).active


def test_a_reserve_on_scene_counts_for_the_role_that_it_fills() -> None:
    state = answered(answered(_full(surplus=1), 2, "accepted"), 0, "declined")
    state = answered(answered(state, 1, "on_scene"), 2, "on_scene")
    assert state.arrived()


def test_a_yes_after_enough_are_on_scene_is_thanked() -> None:
    state = answered(answered(_full(surplus=1), 0, "on_scene"), 1, "on_scene")
    assert _late(state, 2, received=20, now=20) == ["thanked"]


def test_the_incident_closes_when_all_responders_are_released() -> None:
    state = answered(answered(_full(), 0, "on_scene", "released"), 1, "on_scene")
    assert state.status == "open"
    closed = answered(state, 1, "released")
    assert (closed.status, closed.outcome) == ("closed", "done")


def test_the_last_on_scene_who_withdraws_though_enough_were_there_does_not_keep_the_incident_open() -> None:
    state = one_left_on_scene()
    assert state.status == "open"
    assert answered(state, 3, "declined").status == "closed"


def test_a_release_before_arrival_counts_as_a_withdrawal() -> None:
    state = answered(_full(), 0, "en_route", "released")
    assert assignment_of(state, 0).reason == "withdrew"
    assert state.covered_at is None


def test_danger_holds_everybody_and_pages_a_supervisor() -> None:
    state = _full(surplus=1)
    events = decide(state, reply(state, 0, "danger"), at(5))
    assert kinds(events) == ["incident.held", "escalation.raised"]
    held = after(state, reply(state, 0, "danger"), now=at(5))
    assert set(held.recalls) == {person(0), person(1), person(2), person(3)}


@pytest.mark.parametrize("said", [(), ("declined",)])
def test_danger_from_somebody_who_was_asked_only_pages_and_holds_nobody(said: tuple[Answer, ...]) -> None:
    state = answered(ask(incident(), 2), 0, *said)
    assert kinds(decide(state, reply(state, 0, "danger"), at(5))) == ["escalation.raised"]


def test_danger_after_the_end_still_pages_a_supervisor() -> None:
    closed = acted(_full(), "close")
    assert kinds(decide(closed, reply(closed, 0, "danger"), at(5))) == ["escalation.raised"]


def test_any_answer_received_after_a_recall_acknowledges_it() -> None:
    held = acted(_full(), "hold", now=at(10))
    state = answered(held, 0, "acknowledged", now=at(12))
    assert [r.acknowledged_at is not None for r in state.recalls.values()] == [
        who == person(0) for who in state.recalls
    ]


def test_an_answer_from_before_a_recall_does_not_acknowledge_it() -> None:
    held = acted(_full(), "hold", now=at(10))
    assert answered(held, 0, "en_route", now=at(12), received=at(9)).recalls == held.recalls


@pytest.mark.parametrize("answer", ["en_route", "on_scene"])
def test_a_watch_notice_refuses_en_route_and_on_scene(answer: Answer) -> None:
    state = answered(ask(incident(watch_plan()), 2), 0, "accepted")
    with pytest.raises(RefusedError):
        decide(state, reply(state, 0, answer), at(5))


def test_a_watch_notice_is_over_when_enough_have_seen_it() -> None:
    state = answered(answered(ask(incident(watch_plan()), 3), 0, "accepted"), 1, "accepted")
    assert state.status == "closed"
    assert list(state.live_offers()) == []


def test_a_watch_notice_seen_by_enough_during_a_hold_is_over_after_it() -> None:
    held = acted(ask(incident(watch_plan()), 2), "hold")
    seen = answered(answered(held, 0, "accepted"), 1, "accepted")
    assert (seen.status, acted(seen, "resume").status) == ("held", "closed")


def test_many_late_answers_to_one_incident_take_little_longer_each_than_a_few() -> None:
    def seconds_for_each(count: int) -> float:
        state = ask(incident(), 1)
        (offer,) = state.live_offers()
        ids = [named("offer", number) for number in range(count)]
        expired = {id_: replace(offer, id=id_, status="expired") for id_ in ids}
        state = replace(state, live={}, settled=expired, offers_made=count)
        late = [AnswerOffer(id_, offer.volunteer_id, "declined", "sms", at(99)) for id_ in ids]
        start = process_time()
        assert set(after(state, *late).settled) == set(ids)
        return (process_time() - start) / count

    assert min(seconds_for_each(2000) for _ in range(3)) < 10 * min(seconds_for_each(100) for _ in range(3))
