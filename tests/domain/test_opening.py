"""How a report becomes an incident, and what a supervisor is told at once."""

from typing import Any

import pytest

from dispatch.domain.asking.offers import may_ask, offers_wanted
from dispatch.domain.commands import Act, Update
from dispatch.domain.incident import Incident
from dispatch.domain.opening import open_incident
from dispatch.domain.places.service_area import Area
from dispatch.services.plans.plan_files import load
from schemas.base import Position
from schemas.ids import named
from schemas.plans import Plan
from schemas.reports import Professional
from tests.domain.builders import CALLED, after, at, incident, opening, plan, watch_plan

BAS_RHIN = Area(48.1, 6.9, 49.1, 8.3)
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
    opened = incident(plan(engagement="crew"), trusted=False, professional=NOT_CALLED)
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
    opened = incident(area=BAS_RHIN)
    assert may_ask(opened)
    assert _told(opened) == {"outside_area": True}


def test_swapped_coordinates_are_exchanged_and_a_supervisor_is_told() -> None:
    opened = incident(area=BAS_RHIN, position=Position(lat=7.75, lon=48.58))
    assert opened.position == Position(lat=48.58, lon=7.75)
    assert may_ask(opened)
    assert _told(opened) == {"doubtful_position": True}


@pytest.mark.parametrize("area", [None, BAS_RHIN])
def test_zeros_are_no_position_and_a_supervisor_is_told(area: Area | None) -> None:
    opened = incident(area=area, position=Position(lat=0, lon=0))
    assert opened.position is None
    assert _told(opened) == {"doubtful_position": True, "unplaced": True}


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
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 2},
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


def _aged(minutes: float, under: Plan | None = None, **changes: object) -> Incident:
    """Open an incident for a report about what had happened so many minutes before it was accepted."""
    return incident(under, at=at(-60 * minutes), **changes)


@pytest.mark.parametrize(
    ("severity", "fresh", "stale"),
    [("life_threatening", 15, 15.1), ("urgent", 15, 15.1), ("routine", 120, 120.1)],
)
def test_an_old_report_asks_nobody_and_pages_a_supervisor(severity: str, fresh: float, stale: float) -> None:
    assert offers_wanted(_aged(fresh, severity=severity)) == {"helper": 4}
    opened = _aged(stale, severity=severity)
    assert opened.awaiting == ("stale_report",)
    assert not may_ask(opened)
    assert _told(opened) == {"stale_report": True}


@pytest.mark.parametrize("under", [plan(engagement="crew"), watch_plan()])
def test_neither_crews_nor_watches_are_called_for_an_old_report(under: Plan) -> None:
    assert not may_ask(_aged(16, under))


@pytest.mark.parametrize(
    "changes", [{"mode": "exercise"}, {"mode": "test"}, {"under": plan(lane="planned")}, {"under": DEFAULT}]
)
def test_only_an_actual_report_under_a_plan_that_asks_at_once_is_stale(changes: dict[str, Any]) -> None:
    assert "stale_report" not in _aged(60 * 24 * 365, **changes).awaiting


def test_a_plan_may_state_its_own_bound() -> None:
    under = plan(stale_after_s=60)
    assert (_aged(0.9, under).awaiting, _aged(1.1, under).awaiting) == ((), ("stale_report",))
    assert _aged(1.1, plan(lane="planned", stale_after_s=60)).awaiting == ("stale_report",)


def test_a_plan_without_a_bound_keeps_the_hash_that_it_had_before_plans_could_state_one() -> None:
    assert "stale_after_s" not in plan().canonical
    assert plan(stale_after_s=None).hash == plan().hash != plan(stale_after_s=900).hash


def test_a_report_that_was_accepted_in_time_calls_after_an_outage_and_a_supervisor_knows() -> None:
    opened = open_incident(opening(), plan(), at(3600)).incident
    assert may_ask(opened)
    assert _told(opened) == {"opened_late": False}


def test_an_old_report_of_an_untrusted_source_awaits_both_and_one_confirmation_answers_both() -> None:
    opened = _aged(16, trusted=False)
    assert opened.awaiting == ("source_untrusted", "stale_report")
    assert _told(opened) == {"awaiting_confirmation": True, "stale_report": True}
    confirmed = after(opened, Act("confirm", "Ada"))
    assert may_ask(confirmed)
    assert _told(confirmed) == {}


def test_what_a_trusted_source_adds_does_not_make_an_old_report_new() -> None:
    opened = _aged(16, trusted=False)
    updated = after(opened, Update(named("report", 2), "life_threatening", None, (), CALLED, trusted=True))
    assert updated.awaiting == ("stale_report",)
    assert _told(updated) == {"stale_report": True}
