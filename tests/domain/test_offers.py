"""Whom an incident offers_wanted asked: the rolling window, the rings, and what too few picks lead to."""

import pytest
from msgspec.structs import replace

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Consider, Free, Tick, Unreached
from dispatch.domain.decide import decide
from dispatch.domain.incident import Incident
from schemas.base import Event
from schemas.ids import named
from schemas.incidents import Shortfall, Widened
from schemas.offers import OfferExtended
from schemas.plans import Plan
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
    offer_of,
    person,
    picks,
    plan,
    watch_plan,
)

TWO_ROLES = plan(
    seats=(
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 4},
    ),
    offers={"open": 5, "per_seat": 2},
)
ONE_RING = {"radii_m": (1000,), "retry_s": 30}
LAST_RING = plan(search=ONE_RING)


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


@pytest.mark.parametrize(
    ("under", "report"),
    [
        (LAST_RING, {"severity": "routine"}),
        (plan(search=ONE_RING, lane="planned", quiet="off"), {"severity": "urgent"}),
        (watch_plan(search=ONE_RING), {"severity": "urgent", "kind": "watch.odour"}),
    ],
)
def test_what_can_wait_is_paged_when_its_plan_says_so_though_nobody_is_found(
    under: Plan, report: dict[str, object]
) -> None:
    quiet = incident(under, **report)
    assert kinds(_consider(quiet, 0)) == ["incident.shortfall"]
    assert agenda(quiet)["step"] == at(60)


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


def test_offers_that_reached_nobody_leave_the_ceiling_to_others() -> None:
    asked = ask(incident(plan(offers={"open": 4, "per_seat": 2, "most": 5})), 4)
    missed = after(asked, Tick(missed=dict.fromkeys(asked.live, "unsent")), now=at(60))
    assert {(offer.status, offer.missed) for offer in missed.settled.values()} == {("withdrawn", "unsent")}
    assert (missed.offers_made, offers_wanted(missed)) == (0, {"helper": 4})


def test_an_answer_shows_that_an_offer_reached_somebody_after_all() -> None:
    asked = ask(incident(), 4)
    offer = offer_of(asked, 0)
    missed = after(asked, Unreached(offer.id))
    assert (missed.offers_made, missed.settled[offer.id].missed) == (3, "unreached")
    for answer in ("accepted", "declined"):
        told = answered(missed, 0, answer)
        expected = ("accepted", None, 4) if answer == "accepted" else ("withdrawn", "unreached", 3)
        found = told.settled[offer.id]
        assert (found.status, found.missed, told.offers_made) == expected


def test_an_offer_that_has_ended_or_is_being_answered_is_not_withdrawn_as_unreached() -> None:
    asked = answered(ask(incident(), 4), 0, "accepted")
    assert decide(asked, Unreached(offer_of(asked, 0).id), at(1)) == []
    assert decide(asked, Unreached(offer_of(asked, 1).id, being_answered=True), at(1)) == []
    assert kinds(decide(asked, Unreached(offer_of(asked, 1).id), at(1))) == ["offer.withdrawn"]


def test_where_too_many_are_not_reached_a_supervisor_is_paged_and_the_offers_stay() -> None:
    asked = ask(incident(), 4)
    told = decide(asked, Unreached(offer_of(asked, 0).id, many=True), at(1))
    assert kinds(told) == ["escalation.raised"]
    assert told[0].page  # type: ignore[attr-defined]


def test_while_nothing_can_be_sent_the_search_is_not_widened_and_is_tried_again_soon() -> None:
    nothing = Consider(named("round", 1), (), unsendable=True)
    events = decide(incident(), nothing, at(1))
    assert kinds(events) == ["escalation.raised", "incident.shortfall"]
    assert events[1].shut == {"unsendable": 4}  # type: ignore[attr-defined]
    assert events[1].retry_at == at(6)  # type: ignore[attr-defined]
    waiting = after(incident(), nothing, now=at(1))
    assert kinds(decide(waiting, nothing, at(6))) == ["incident.shortfall"], "a supervisor is told once"
    assert kinds(decide(waiting, picks(["helper"] * 4), at(6))) == ["offer.extended"] * 4 + [
        "escalation.resolved"
    ]
