"""What is due when: pure, and what was due is done."""

import pytest

from dispatch.domain.commands import Acknowledge, Tick, Update
from dispatch.domain.decide import decide
from dispatch.domain.incident import Incident
from schemas.ids import named
from schemas.incidents import StepDone, Widened
from tests.domain.builders import (
    CALLED,
    PLACE,
    acted,
    after,
    answered,
    ask,
    at,
    due,
    hazards,
    incident,
    kinds,
    passed,
    person,
    plan,
    tick_until,
    watch_plan,
)


def _full() -> Incident:
    return answered(answered(ask(incident(), 2), 0, "accepted"), 1, "accepted")


def _unseen() -> Incident:
    """Give a held incident where nobody has acknowledged the recall, and a supervisor has seen that."""
    held = passed(acted(_full(), "hold", now=at(10)), at(71))
    (told,) = held.open_escalations()
    assert told.reason == "recall_unacknowledged"
    return after(held, Acknowledge(told.id, "Ada"), now=at(72))


def test_a_new_incident_is_considered_widened_and_escalated_when_the_plan_says() -> None:
    assert due(incident()) == {"widen": 45, "step": 60, "consider": 2}


def test_a_tick_changes_nothing_before_an_entry_is_due() -> None:
    assert decide(ask(incident(), 4), Tick(), at(44)) == []


def test_an_offer_runs_out_at_its_time_and_is_replaced() -> None:
    asked = ask(incident(), 4)
    assert due(asked)["offer"] == 60
    assert "consider" not in due(asked)
    assert "consider" in due(passed(asked, at(61)))


def test_the_search_widens_ring_by_ring_until_the_last() -> None:
    asked = ask(incident(plan(search={"radii_m": (500, 1000, 2000), "widen_after_s": 45})), 4)
    events = [event for event in tick_until(asked, at(500)) if isinstance(event, Widened)]
    assert [(event.radius_m, event.at) for event in events] == [(1000, at(45)), (2000, at(90))]


def test_nothing_widens_and_no_step_runs_while_the_incident_is_covered() -> None:
    assert {"widen", "step"} & due(_full()).keys() == set()


def test_after_an_outage_the_steps_keep_their_distance_and_do_not_run_all_at_once() -> None:
    asked = ask(incident(), 1)
    back = after(asked, Tick(), now=at(3600))
    assert due(back)["step"] == 3660
    steps = [e.at for e in tick_until(back, at(4000)) if isinstance(e, StepDone)]
    assert steps == [at(3660), at(3720)]


def test_the_steps_start_again_when_a_seat_becomes_free() -> None:
    assert due(answered(_full(), 0, "declined", now=at(500)))["step"] == 560


@pytest.mark.parametrize(("acts", "begins"), [(("hold", "resume"), 500), (("takeover", "give-back"), 500)])
def test_the_steps_begin_again_when_the_incident_goes_on(acts: tuple[str, str], begins: float) -> None:
    stopped = acted(incident(), acts[0], now=at(100))
    assert {"widen", "step", "consider"} & due(stopped).keys() == set()
    assert due(acted(stopped, acts[1], now=at(begins)))["step"] == begins + 60


def test_the_steps_begin_when_a_supervisor_confirms() -> None:
    assert due(acted(incident(trusted=False), "confirm", now=at(400)))["step"] == 460


def test_the_steps_begin_when_the_source_makes_a_confirmation_needless() -> None:
    waiting = incident(professional=CALLED.model_copy(update={"reference": None}))
    assert "step" not in due(waiting)
    known = after(waiting, Update(named("u"), None, None, (), CALLED, trusted=True), now=at(400))
    assert (due(known)["step"], due(known)["widen"]) == (460, 445)


def test_an_incident_without_a_position_climbs_its_steps_all_the_same() -> None:
    assert due(incident(position=None))["step"] == 60


def test_a_position_that_comes_later_is_searched_at_once() -> None:
    placed = after(
        incident(position=None), Update(named("u"), None, PLACE, (), None, trusted=True), now=at(30)
    )
    assert due(placed)["consider"] == 32
    assert placed.position == PLACE


@pytest.mark.parametrize(("coming", "detail"), [(0, "2 seats are empty"), (1, "1 seat is empty")])
def test_a_step_counts_the_empty_seats_in_words(coming: int, detail: str) -> None:
    state = ask(incident(), 3)
    for n in range(coming):
        state = answered(state, n, "accepted")
    stepped = passed(state, at(61))
    assert [e.detail for e in stepped.open_escalations() if e.reason == "uncovered"] == [detail]


def test_a_volunteer_not_en_route_in_time_escalates_once() -> None:
    full = _full()
    assert due(full) == {"en_route": 300}
    events = tick_until(full, at(2000))
    assert kinds(events) == ["escalation.raised"]


def test_a_volunteer_en_route_does_not_escalate() -> None:
    moving = answered(answered(_full(), 0, "en_route"), 1, "en_route")
    assert due(moving) == {}


@pytest.mark.parametrize("answer", ["en_route", "declined"])
def test_not_en_route_does_not_escalate_once_nobody_is_awaited(answer: str) -> None:
    late = passed(answered(_full(), 0, "en_route"), at(301))
    settled = answered(late, 1, answer, now=at(310))  # type: ignore[arg-type]
    assert "not_en_route" not in {e.reason for e in settled.open_escalations()}


def test_a_responder_on_scene_does_not_resolve_the_delay_of_another() -> None:
    late = answered(passed(_full(), at(301)), 0, "on_scene", now=at(310))
    assert [e.reason for e in late.open_escalations()] == ["not_en_route"]


def test_a_watch_notice_awaits_nobody_en_route() -> None:
    assert "en_route" not in due(answered(ask(incident(watch_plan()), 2), 0, "accepted"))


def test_an_unacknowledged_recall_escalates_after_a_minute() -> None:
    held = acted(_full(), "hold", now=at(10))
    assert due(held)["recall"] == 70
    told = list(passed(answered(held, 0, "acknowledged", now=at(20)), at(71)).open_escalations())
    assert [(e.reason, e.page, e.detail) for e in told] == [
        ("recall_unacknowledged", True, "1 person has not acknowledged the recall")
    ]


def test_nobody_is_paged_once_all_have_acknowledged_the_recall() -> None:
    held = passed(acted(_full(), "hold", now=at(10)), at(71))
    settled = answered(answered(held, 0, "acknowledged", now=at(80)), 1, "acknowledged", now=at(80))
    assert list(settled.open_escalations()) == []
    assert "recall" not in due(settled)


def test_an_abort_after_a_hold_escalates_by_itself_after_its_own_minute() -> None:
    aborted = acted(_unseen(), "abort", now=at(100))
    assert due(aborted)["recall"] == 160
    assert kinds(tick_until(aborted, at(161))) == ["escalation.raised"]


def test_an_earlier_unacknowledged_hold_does_not_escalate_again_with_the_next() -> None:
    asked = acted(ask(incident(), 1), "hold", now=at(10))
    resumed = acted(passed(asked, at(65)), "resume", now=at(66))
    held = acted(ask(resumed, 1, first=5, now=at(200)), "hold", now=at(210))
    assert set(held.recalls) == {person(0), person(5)}
    assert due(held)["recall"] == 270


def test_a_hazard_that_was_there_from_the_start_still_climbs_the_steps() -> None:
    assert {"step", "page"} <= due(incident(hazards=("fire",))).keys()
    assert "consider" not in due(incident(hazards=("fire",)))


def test_an_ended_incident_has_nothing_due_but_unacknowledged_aborts() -> None:
    assert due(acted(_full(), "close")) == {}
    assert due(acted(_full(), "cancel")) == {}
    assert due(acted(_full(), "abort")) == {"recall": 60}
    assert due(after(_full(), hazards("weapon"))) == {"recall": 60, "page": 60}
