"""The outlook of an incident: what it lacks, who comes, and what its agenda leads to next."""

from datetime import timedelta

from msgspec.structs import replace

from dispatch.domain.agenda import agenda
from dispatch.domain.commands import Consider
from dispatch.domain.incident import Incident
from dispatch.domain.supervising.outlook import Consequence, lacking, next_step, responders
from schemas.base import Window
from schemas.ids import named
from tests.domain.builders import (
    START,
    acted,
    after,
    answered,
    ask,
    at,
    incident,
    offer_of,
    passed,
    plan,
    reply,
)


def steps(state: Incident) -> list[tuple[str, int]]:
    """Return what happens next, which is at the first time on the agenda."""
    found = next_step(state)
    assert found is not None
    assert found.at == min(agenda(state).values())
    return [(one.step, one.number) for one in found.consequences]


def test_each_role_lacks_as_many_as_hold_none_of_its_seats() -> None:
    crew = plan(
        seats=[
            {"role": "driver", "skills": ("d",), "count": 1},
            {"role": "helper", "skills": ("h",), "count": 3},
        ]
    )
    state = ask(incident(crew), 4)
    assert lacking(state) == {"driver": 1, "helper": 3}
    assert lacking(answered(state, 0, "accepted")) == {"helper": 3}
    assert lacking(answered(answered(state, 0, "accepted"), 1, "accepted")) == {"helper": 2}


def test_those_on_scene_come_first_then_by_arrival_and_those_in_reserve_last() -> None:
    state = ask(incident(), 4)
    for number, minutes in ((2, 60), (0, 9), (1, 4)):
        command = reply(state, number, "accepted")
        state = after(state, replace(command, eta_at=START + timedelta(minutes=minutes)))
    found = responders(state)
    assert [one.volunteer_id for one in found] == [offer_of(state, n).volunteer_id for n in (1, 0, 2)]
    assert [one.late for one in found] == [False, False, True]
    arrived = answered(state, 0, "en_route", "on_scene")
    assert responders(arrived)[0].volunteer_id == offer_of(state, 0).volunteer_id


def test_offers_that_end_are_followed_by_as_many_as_the_plan_wants() -> None:
    state = ask(
        incident(plan(steps=[{"after_s": 300, "level": 1, "do": "page"}], search={"radii_m": [1000]})), 4
    )
    assert steps(state) == [("asks", 4)]


def test_the_search_widens_before_the_first_step() -> None:
    state = ask(incident(plan(offers={"open": 4, "per_seat": 2, "window_s": 90})), 4)
    assert steps(state) == [("widens", 2000)]


def test_a_step_tells_or_pages_at_its_level() -> None:
    quiet = plan(search={"radii_m": [1000]}, offers={"open": 4, "per_seat": 2, "window_s": 600})
    state = ask(incident(quiet), 4)
    assert steps(state) == [("tells", 1)]
    assert next_step(state).consequences[0] == Consequence("tells", 1, "uncovered")  # type: ignore[union-attr]


def test_a_page_that_nobody_has_seen_goes_to_the_next_contact() -> None:
    state = incident(trusted=False)
    assert steps(state) == [("pages_next", 3)]


def test_after_a_shortfall_it_looks_again() -> None:
    state = after(incident(plan(search={"radii_m": [1000], "retry_s": 30})), Consider(named("round"), ()))
    found = next_step(state)
    assert found is not None
    assert (found.at, found.consequences) == (at(30), (Consequence("asks_again", 4),))


def test_a_recall_that_is_not_seen_pages() -> None:
    state = acted(answered(ask(incident(), 2), 0, "accepted"), "hold")
    assert ("pages", 3) in steps(state)


def test_nothing_is_next_for_an_incident_that_has_ended() -> None:
    assert next_step(acted(incident(), "close")) is None


def test_a_reminder_is_next_and_so_is_the_seat_of_whoever_is_late() -> None:
    one = ({"role": "helper", "skills": ("first_aid",), "count": 1},)
    window = Window(starts_at=at(7300), ends_at=at(9000))
    coming = answered(ask(incident(plan(seats=one), window=window), 1), 0, "accepted")
    assert steps(coming) == [("reminds", 1)]
    moving = answered(
        ask(incident(plan(seats=one, late_seat="asked_again", on_scene_within_s=300)), 1), 0, "accepted"
    )
    assert ("reserves", 1) in steps(answered(moving, 0, "en_route"))


def test_the_end_of_a_mission_releases_nobody_for_an_answer_that_is_not_clear() -> None:
    state = ask(incident(plan(lane="planned", quiet="off", ends_after_s=600, en_route_within_s=6000)), 2)
    for number in range(2):
        state = answered(state, number, "accepted")
    state = passed(state, at(600 + 3599))
    assert steps(state) == [("ends", 0)]


def test_who_waits_for_a_seat_that_falls_free_is_next() -> None:
    state = ask(incident(plan(ask="broadcast", offers={"window_s": 3600, "most": 200})), 3)
    for number in range(3):
        state = answered(state, number, "accepted", now=at(number))
    assert steps(answered(state, 0, "declined", now=at(30))) == [("seats", 1)]
