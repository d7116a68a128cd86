"""Whom an incident offers_wanted asked: the rolling window, the rings, and what too few picks lead to."""

import pytest
from msgspec.structs import replace

from dispatch.domain.commands import Consider, Free
from dispatch.domain.decide import decide
from dispatch.domain.incident import Incident
from dispatch.domain.offers import offers_wanted
from schemas.base import Event
from schemas.incidents import Shortfall, Widened
from schemas.offers import OfferExtended
from tests.domain.builders import (
    START,
    acted,
    after,
    answered,
    ask,
    at,
    due,
    incident,
    kinds,
    person,
    picks,
    plan,
)

TWO_ROLES = plan(
    seats=(
        {"role": "driver", "skill": "driver", "count": 1},
        {"role": "helper", "skill": "first_aid", "count": 4},
    ),
    offers={"open": 5, "per_seat": 2},
)
LAST_RING = plan(search={"radii_m": (1000,), "retry_s": 30})


def _consider(state: Incident, count: int, *, contended: bool = False) -> list[Event]:
    found = picks(["helper"] * count)
    return decide(state, replace(found, contended=contended, shut={"rest": 3}), at(1))


def test_so_many_are_asked_for_each_empty_seat_up_to_the_most_open_at_once() -> None:
    assert offers_wanted(incident()) == {"helper": 4}
    assert offers_wanted(incident(plan(offers={"open": 3, "per_seat": 2}))) == {"helper": 3}


def test_no_role_waits_for_another_where_there_is_little_room() -> None:
    assert offers_wanted(incident(TWO_ROLES)) == {"driver": 2, "helper": 3}


def test_an_offer_lasts_as_long_as_the_plan_says_from_when_it_is_made() -> None:
    (offer,) = [e for e in _consider(incident(), 1) if isinstance(e, OfferExtended)]
    assert offer.expires_at == at(61)


def test_no_more_are_asked_than_are_wanted_however_many_are_found() -> None:
    assert kinds(_consider(incident(), 9)) == ["offer.extended"] * 4


def test_a_decline_wants_another_offer() -> None:
    asked = ask(incident(), 4)
    assert offers_wanted(asked) == {}
    assert offers_wanted(answered(asked, 0, "declined")) == {"helper": 1}


def test_a_yes_lowers_the_number_of_offers_wanted() -> None:
    asked = ask(incident(), 4)
    assert offers_wanted(answered(asked, 0, "accepted")) == {}
    assert offers_wanted(answered(asked, 0, "accepted", "declined")) == {"helper": 1}


def test_no_offer_is_wanted_once_need_and_surplus_are_filled() -> None:
    asked = ask(incident(plan(offers={"per_seat": 2, "surplus": 1})), 4)
    covered = answered(answered(asked, 0, "accepted"), 1, "accepted")
    assert covered.covered_at is not None
    assert offers_wanted(answered(covered, 2, "declined")) == {"helper": 1}
    assert offers_wanted(answered(covered, 2, "accepted")) == {}


def test_one_incident_never_asks_more_people_than_the_plan_allows() -> None:
    asked = ask(incident(plan(offers={"most": 2})), 4)
    assert len(asked.offers) == 2
    assert offers_wanted(answered(answered(asked, 0, "declined"), 1, "declined")) == {}


def test_a_volunteer_with_an_offer_or_a_seat_gets_no_other() -> None:
    seated = answered(ask(incident(), 2), 0, "accepted")
    again = after(seated, picks(["helper", "helper"]))
    assert len(again.offers) == 2


def test_a_volunteer_who_declined_can_get_a_new_offer() -> None:
    again = after(answered(ask(incident(), 1), 0, "declined"), picks(["helper"]))
    assert [(offer.volunteer_id, offer.status) for offer in again.offers.values()] == [
        (person(0), "declined"),
        (person(0), "extended"),
    ]


def test_picks_for_a_role_that_needs_nobody_are_ignored() -> None:
    assert decide(incident(LAST_RING), picks(["ghost"]), START)[-1].type == Shortfall.type


def test_too_few_found_widens_the_search_to_the_next_ring_at_once() -> None:
    events = _consider(incident(), 1)
    assert kinds(events) == ["offer.extended", "incident.widened"]
    assert isinstance(events[-1], Widened)
    assert events[-1].radius_m == 2000


def test_too_few_found_in_the_last_ring_is_a_shortfall_with_its_reasons_and_is_tried_again() -> None:
    (_offer, short) = _consider(incident(LAST_RING), 1)
    assert isinstance(short, Shortfall)
    assert (short.wanted, short.found, short.shut, short.retry_at) == (4, 1, {"rest": 3}, at(31))


def test_a_search_that_finds_nobody_pages_a_supervisor_at_once() -> None:
    assert kinds(_consider(incident(LAST_RING), 0)) == ["escalation.raised", "incident.shortfall"]


def test_contended_volunteers_are_searched_again_within_a_second() -> None:
    (short,) = _consider(incident(), 0, contended=True)
    assert isinstance(short, Shortfall)
    assert short.retry_at == at(2)


@pytest.mark.parametrize("found", [0, 1])
def test_a_search_that_found_too_few_never_comes_due_at_once_again(found: int) -> None:
    for under in (plan(), LAST_RING):
        state = after(incident(under), picks(["helper"] * found), now=at(5))
        assert due(state)["consider"] > 5


@pytest.mark.parametrize("act", ["hold", "takeover", "abort", "close", "cancel"])
def test_nobody_is_asked_while_an_incident_is_held_taken_over_or_ended(act: str) -> None:
    stopped = acted(incident(), act)
    assert after(stopped, picks(["helper"])) == stopped


def test_nobody_is_asked_before_a_confirmation_and_somebody_is_after_it() -> None:
    waiting = incident(trusted=False)
    assert decide(waiting, picks(["helper"]), START) == []
    assert offers_wanted(acted(waiting, "confirm")) == {"helper": 4}


def test_nobody_is_asked_for_the_reserve_once_enough_are_on_scene() -> None:
    asked = ask(incident(plan(offers={"open": 7, "surplus": 1})), 3)
    there = answered(answered(asked, 0, "accepted", "on_scene"), 1, "accepted", "on_scene")
    assert list(there.live_offers()) == []
    assert offers_wanted(there) == {}
    assert "consider" not in due(there)


def test_a_seat_that_becomes_free_wants_offers_again() -> None:
    full = answered(answered(ask(incident(), 2), 0, "accepted"), 1, "accepted")
    assert offers_wanted(full) == {}
    assert offers_wanted(after(full, Free(person(0), "overlap"))) == {"helper": 2}


def test_a_round_for_an_incident_that_wants_nobody_changes_nothing() -> None:
    full = answered(answered(ask(incident(), 2), 0, "accepted"), 1, "accepted")
    assert decide(full, Consider(person(1), ()), START) == []
