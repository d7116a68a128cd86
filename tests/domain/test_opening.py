"""How a report becomes an incident, and what a supervisor is told at once."""

import pytest

from dispatch.domain.incident import Incident
from dispatch.domain.offers import may_ask, offers_wanted
from dispatch.services.plans.plan_files import load
from schemas.plans import Plan
from schemas.reports import Professional
from tests.domain.builders import CALLED, incident, plan, watch_plan

DEFAULT = load(None).choose("never.heard.of")
NOT_CALLED = Professional()


def _told(state: Incident) -> dict[str, bool]:
    """Give the reasons that a supervisor is told, and whether by message."""
    return {escalation.reason: escalation.page for escalation in state.open_escalations()}


def test_a_trusted_report_with_a_professional_reference_asks_at_once_without_escalation() -> None:
    opened = incident()
    assert _told(opened) == {}
    assert offers_wanted(opened) == {"helper": 4}


@pytest.mark.parametrize(
    ("trusted", "professional", "reasons"),
    [
        (False, CALLED, ("source_untrusted",)),
        (True, NOT_CALLED, ("professional_unknown",)),
        (True, Professional(requested=True), ("professional_unknown",)),
        (True, Professional(requested=False, reference="75-1"), ("professional_unknown",)),
        (False, NOT_CALLED, ("source_untrusted", "professional_unknown")),
    ],
)
def test_where_professionals_are_required_nobody_is_asked_before_a_trusted_source_names_them(
    *, trusted: bool, professional: Professional, reasons: tuple[str, ...]
) -> None:
    opened = incident(trusted=trusted, professional=professional)
    assert opened.awaiting == reasons
    assert not may_ask(opened)
    assert _told(opened) == {"awaiting_confirmation": True}


def test_a_fire_services_own_crew_waits_for_no_confirmation() -> None:
    opened = incident(plan(crew=True), trusted=False, professional=NOT_CALLED)
    assert may_ask(opened)


@pytest.mark.parametrize("under", [plan(professional="informed"), watch_plan()])
def test_where_professionals_are_informed_their_absence_escalates(under: Plan) -> None:
    opened = incident(under, trusted=False, professional=NOT_CALLED)
    assert may_ask(opened)
    assert _told(opened) == {"professional_not_requested": False}


def test_an_unknown_kind_asks_nobody_and_pages_a_supervisor() -> None:
    opened = incident(DEFAULT)
    assert offers_wanted(opened) == {}
    assert _told(opened) == {"no_plan": True}


def test_a_report_without_a_position_opens_unplaced_and_pages_a_supervisor() -> None:
    opened = incident(position=None)
    assert not may_ask(opened)
    assert _told(opened) == {"unplaced": True}


def test_a_position_outside_the_area_pages_a_supervisor_and_still_asks() -> None:
    opened = incident(inside_area=False)
    assert may_ask(opened)
    assert _told(opened) == {"outside_area": True}


def test_a_hazard_that_the_plan_names_keeps_volunteers_away_from_the_start() -> None:
    opened = incident(hazards=("weapon",))
    assert not may_ask(opened)
    assert _told(opened) == {"hazard": True}


def test_a_hazard_that_the_plan_does_not_name_keeps_nobody_away() -> None:
    assert may_ask(incident(hazards=("traffic",)))


@pytest.mark.parametrize(("mode", "lane"), [("actual", "planned"), ("exercise", "drill"), ("test", "drill")])
def test_whatever_is_not_actual_runs_in_the_lane_of_drills(mode: str, lane: str) -> None:
    assert incident(plan(lane="planned"), mode=mode).lane == lane


def test_a_decision_asks_nobody() -> None:
    assert not may_ask(incident(mode="draft"))


def test_the_surplus_becomes_reserve_seats_of_the_role_that_needs_most() -> None:
    seats = (
        {"role": "driver", "skill": "driver", "count": 1},
        {"role": "helper", "skill": "first_aid", "count": 2},
    )
    opened = incident(plan(seats=seats, offers={"surplus": 2}))
    assert [(s.number, s.role, s.reserve) for s in opened.seats] == [
        (1, "driver", False),
        (2, "helper", False),
        (3, "helper", False),
        (4, "helper", True),
        (5, "helper", True),
    ]


def test_the_same_report_opens_the_same_incident() -> None:
    assert incident().id == incident().id
