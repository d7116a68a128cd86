"""What supervisors do to an incident, and what the source adds to it."""

import pytest

from dispatch.domain.asking.offers import may_ask, offers_wanted
from dispatch.domain.commands import Act, Free, Update
from dispatch.domain.decide import decide
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.supervising.supervision import allowed
from dispatch.services.plans.plan_files import load
from schemas.ids import named
from schemas.incidents import IncidentAborted, IncidentHeld
from schemas.reports import Professional
from tests.domain.builders import (
    CALLED,
    acted,
    after,
    answered,
    ask,
    assignment_of,
    at,
    hazards,
    incident,
    kinds,
    offer_of,
    one_left_on_scene,
    passed,
    person,
)

ACTS = ("confirm", "hold", "resume", "abort", "takeover", "give-back", "close", "cancel", "reinforce")


def _running() -> Incident:
    """Give an incident where person 0 is assigned, and persons 1 to 3 are asked."""
    return answered(ask(incident(), 4), 0, "accepted")


def _reasons(state: Incident) -> set[str]:
    return {escalation.reason for escalation in state.open_escalations()}


def _said(*, trusted: bool, professional: Professional | None = None) -> Update:
    return Update(named("update"), None, None, (), professional, trusted=trusted)


@pytest.mark.parametrize(("act", "event"), [("hold", IncidentHeld), ("abort", IncidentAborted)])
def test_a_recall_comes_first_and_names_everybody_who_is_assigned_or_asked(
    act: str, event: type[IncidentHeld | IncidentAborted]
) -> None:
    first = decide(_running(), Act(act, "Ada", "smoke"), at(9))[0]  # type: ignore[arg-type]
    assert isinstance(first, event)
    assert set(first.recalled) == {person(n) for n in range(4)}
    assert (first.by, first.reason) == ("Ada", "smoke")


def test_a_hold_leaves_seats_and_offers_as_they_are() -> None:
    held = acted(_running(), "hold")
    assert held.involved() == _running().involved()


def test_an_abort_takes_every_offer_and_seat_back() -> None:
    aborted = acted(_running(), "abort")
    assert aborted.involved() == ()
    assert assignment_of(aborted, 0).reason == "aborted"
    assert aborted.filled() == {}


@pytest.mark.parametrize("act", ["close", "cancel"])
def test_the_end_withdraws_offers_releases_seats_and_resolves_escalations(act: str) -> None:
    ended = acted(passed(_running(), at(121)), act, now=at(130))
    assert (ended.involved(), ended.ended_at, _reasons(ended)) == ((), at(130), set())


def test_a_supervisor_closes_an_incident_as_done_or_says_how_it_ended() -> None:
    assert acted(incident(), "close").outcome == "done"
    assert after(incident(), Act("close", "Ada", outcome="false_alarm")).outcome == "false_alarm"


def test_a_takeover_keeps_assignments_and_withdraws_offers() -> None:
    taken = acted(_running(), "takeover")
    assert (taken.taken_by, taken.involved()) == ("Ada", (person(0),))
    assert offer_of(taken, 1).status == "withdrawn"


def test_another_supervisor_can_take_over_from_the_first() -> None:
    taken = after(acted(_running(), "takeover"), Act("takeover", "Bo"))
    assert taken.taken_by == "Bo"


def test_an_incident_given_back_is_searched_again() -> None:
    given = acted(_running(), "takeover", "give-back")
    assert (given.taken_by, given.status) == (None, "open")
    assert offers_wanted(given) == {"helper": 2}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (incident(trusted=False), "awaiting_confirmation"),
        (incident(position=None), "unplaced"),
        (incident(hazards=("fire",)), "hazard"),
        (incident(load(None).choose("other")), "no_plan"),
    ],
)
def test_remaining_obstacles_escalate_again_when_an_incident_is_given_back(
    state: Incident, reason: str
) -> None:
    taken = acted(state, "takeover")
    assert _reasons(taken) == set()
    assert _reasons(acted(taken, "give-back", now=at(60))) == {reason}


def test_after_a_hold_a_taken_over_incident_returns_to_its_supervisor() -> None:
    resumed = acted(_running(), "takeover", "hold", "resume")
    assert (resumed.status, resumed.taken_by) == ("taken_over", "Ada")
    assert not may_ask(resumed)


def test_resuming_resolves_the_reported_danger() -> None:
    held = answered(_running(), 0, "danger", now=at(5))
    assert _reasons(held) == {"danger"}
    assert _reasons(acted(held, "resume", now=at(9))) == set()


def test_a_confirmation_allows_offers_and_resolves_the_escalation() -> None:
    confirmed = acted(incident(trusted=False), "confirm")
    assert may_ask(confirmed)
    assert _reasons(confirmed) == set()


def test_a_confirmation_does_not_open_the_way_into_a_hazard() -> None:
    assert not may_ask(acted(incident(trusted=False, hazards=("weapon",)), "confirm"))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "before",
    [(), ("hold",), ("takeover",), ("abort",), ("close",), ("cancel",)],
    ids=lambda b: "".join(b) or "open",
)
def test_the_acts_offered_by_the_console_are_those_that_succeed(before: tuple[str, ...], act: str) -> None:
    state = acted(incident(trusted=False), *before)
    if act in allowed(state):
        assert decide(state, Act(act, "Ada", role="helper", count=1), at(1))  # type: ignore[arg-type]
    else:
        with pytest.raises(RefusedError):
            decide(state, Act(act, "Ada", role="helper", count=1), at(1))  # type: ignore[arg-type]


def test_nothing_can_be_confirmed_that_waits_for_no_confirmation() -> None:
    with pytest.raises(RefusedError):
        acted(incident(), "confirm")


def test_an_ended_incident_cannot_be_escalated_by_hand() -> None:
    with pytest.raises(RefusedError):
        acted(incident(), "close", "escalate")


def test_a_hazard_that_the_source_adds_aborts_and_pages_a_supervisor() -> None:
    events = decide(_running(), hazards("weapon"), at(9))
    assert kinds(events)[:2] == ["incident.updated", "incident.aborted"]
    assert _reasons(after(_running(), hazards("weapon"))) == {"hazard"}


def test_a_hazard_aborts_even_a_held_or_taken_over_incident() -> None:
    for act in ("hold", "takeover"):
        assert after(acted(_running(), act), hazards("fire")).status == "aborted"


def test_a_hazard_that_the_plan_does_not_name_aborts_nothing() -> None:
    assert after(_running(), hazards("traffic")).status == "open"


def test_hazards_add_up_and_none_is_forgotten() -> None:
    state = after(after(incident(), hazards("traffic")), hazards("cbrn", "traffic"))
    assert state.hazards == ("traffic", "cbrn")


def test_the_second_report_of_a_hazard_aborts_nothing_twice() -> None:
    aborted = after(_running(), hazards("fire"))
    assert decide(aborted, hazards("fire"), at(20)) == []


def test_a_trusted_source_that_names_the_professional_reference_makes_a_confirmation_needless() -> None:
    waiting = incident(professional=Professional())
    known = after(waiting, _said(trusted=True, professional=CALLED))
    assert may_ask(known)
    assert _reasons(known) == set()


def test_an_untrusted_source_cannot_confirm_itself() -> None:
    waiting = incident(trusted=False, professional=Professional())
    assert after(waiting, _said(trusted=False, professional=CALLED)).awaiting == waiting.awaiting


def test_a_trusted_source_that_repeats_it_vouches_for_it() -> None:
    assert may_ask(after(incident(trusted=False), _said(trusted=True)))


def test_fields_that_an_update_omits_are_unchanged() -> None:
    state = after(incident(), _said(trusted=True))
    assert (state.position, state.severity, state.professional) == (
        incident().position,
        incident().severity,
        CALLED,
    )


def test_a_volunteer_needed_elsewhere_loses_seat_and_offer() -> None:
    freed = after(_running(), Free(person(0), "overlap"), Free(person(1), "overlap"))
    assert (assignment_of(freed, 0).reason, offer_of(freed, 1).status) == ("overlap", "withdrawn")
    assert offers_wanted(freed) == {"helper": 2}


def test_stop_ends_offers_and_keeps_the_running_assignment() -> None:
    left = after(_running(), Free(person(0), "left"), Free(person(1), "left"))
    assert assignment_of(left, 0).active
    assert offer_of(left, 1).status == "withdrawn"


def test_the_last_on_scene_who_is_needed_elsewhere_does_not_keep_the_incident_open() -> None:
    assert after(one_left_on_scene(), Free(person(3), "overlap")).status == "closed"


def test_an_incident_finished_during_a_takeover_closes_when_given_back() -> None:
    taken = acted(one_left_on_scene(), "takeover")
    finished = answered(taken, 3, "released")
    assert (finished.status, acted(finished, "give-back").status) == ("taken_over", "closed")


def test_time_never_runs_backwards_for_an_incident() -> None:
    late = acted(incident(), "hold", now=at(50))
    assert decide(late, Act("resume", "Ada"), at(20))[0].at == at(50)
