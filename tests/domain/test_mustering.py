"""Where people gather, and which station is asked next."""

import pytest
from pydantic import ValidationError

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.mustering import KnownPoint
from dispatch.domain.commands import Consider, Pick, Tick, Update
from dispatch.domain.decide import decide
from dispatch.domain.evolve import evolve, replay
from dispatch.domain.incident import Incident
from dispatch.domain.opening import open_incident
from dispatch.domain.supervising.outlook import next_step
from schemas.base import MusterPoint, Position
from schemas.ids import named
from schemas.incidents import IncidentOpened, Widened
from schemas.offers import OfferExtended
from schemas.plans import Plan
from tests.domain.builders import PLACE, START, after, at, opening, person, plan

BARR, ANDLAU, SELESTAT = (
    MusterPoint(name=name, position=Position(lat=PLACE.lat + north, lon=PLACE.lon))
    for name, north in (("CIS Barr", 0.02), ("CIS Andlau", 0.05), ("CIS Sélestat", 0.2))
)
SQUARE = MusterPoint(name="Place de la Mairie", position=Position(lat=48.9, lon=2.4))
STATIONS = tuple(KnownPoint(point, station=True) for point in (SELESTAT, BARR, ANDLAU))
ALL = tuple(Pick(person(number), "helper", 100) for number in range(4))
KNOWN = (*STATIONS, KnownPoint(SQUARE, station=False))


def crew(**changes: object) -> Plan:
    """Return a plan of a crew that comes from its station."""
    return plan(**{"engagement": "crew", "muster": "station"} | changes)


def called(under: Plan, **changes: object) -> Incident:
    """Open an incident where the organisation knows these points."""
    return open_incident(opening(known=KNOWN, **changes), under, START).incident


def names(one: Incident) -> list[str]:
    return [point.name for point in one.musters]


def test_a_crew_is_sought_among_the_stations_by_their_distance_to_the_incident() -> None:
    assert names(called(crew())) == ["CIS Barr", "CIS Andlau", "CIS Sélestat"]


def test_an_order_in_the_plan_goes_before_the_distance_and_leaves_out_the_others() -> None:
    under = crew(stations=("CIS Sélestat", "CIS Obernai", "CIS Barr"))
    assert names(called(under)) == ["CIS Sélestat", "CIS Barr"]


def test_a_named_point_is_the_place_where_distance_counts() -> None:
    found = called(plan(muster="Place de la Mairie"))
    assert (found.place, found.position, found.by_station) == (SQUARE.position, PLACE, False)


def test_people_go_to_the_scene_unless_the_plan_says_otherwise() -> None:
    assert names(called(plan(engagement="crew"))) == []


@pytest.mark.parametrize("under", [crew(), plan(muster="Place du Marché")])
def test_a_place_that_is_unknown_leaves_the_search_at_the_scene_and_tells_a_supervisor(under: Plan) -> None:
    known = (KnownPoint(SQUARE, station=False),)
    decision = open_incident(opening(known=known), under, START)
    assert (decision.incident.musters, decision.incident.place) == ((), PLACE)
    (told,) = decision.incident.escalations.values()
    assert (told.reason, told.page) == ("no_muster_point", False)


def test_the_opening_names_the_first_point_and_the_journal_rebuilds_them_all() -> None:
    decision = open_incident(opening(known=KNOWN), crew(), START)
    opened = decision.events[0]
    assert isinstance(opened, IncidentOpened)
    assert opened.muster == "CIS Barr"
    assert replay(decision.events) == decision.incident


def test_widening_means_the_next_station_and_says_which() -> None:
    found = called(crew())
    assert [one.name for one in found.stations] == ["CIS Barr"]
    (widened,) = [one for one in decide(found, Tick(), agenda(found)["widen"]) if isinstance(one, Widened)]
    assert (widened.muster, widened.radius_m) == ("CIS Andlau", 2000)
    reached = evolve(found, widened)
    assert [one.name for one in reached.stations] == ["CIS Barr", "CIS Andlau"]


def test_after_the_last_station_there_is_nothing_to_widen_to() -> None:
    found = called(crew(stations=("CIS Barr",)))
    assert "widen" not in agenda(found)


def test_what_happens_next_names_the_next_station() -> None:
    found = called(crew())
    step = next_step(after(found, Consider(named("round"), ALL), now=at(1)))
    assert step is not None
    assert ("next_station", "CIS Andlau") in [(one.step, one.reason) for one in step.consequences]


def test_an_offer_names_the_station_of_the_person_or_the_point_of_the_plan() -> None:
    picks = (Pick(person(1), "helper", 300, "CIS Andlau"), Pick(person(2), "helper", 400))
    for under, expected in [
        (crew(), ["CIS Andlau", None]),
        (plan(muster="Place de la Mairie"), [SQUARE.name] * 2),
    ]:
        found = called(under)
        events = decide(found, Consider(named("round"), picks), at(1))
        assert [one.muster for one in events if isinstance(one, OfferExtended)] == expected
        for event in events:
            found = evolve(found, event)
        assert [one.muster for one in found.live.values()] == expected


def test_the_first_position_puts_the_stations_in_order() -> None:
    found = called(crew(), position=None)
    assert names(found) == ["CIS Andlau", "CIS Barr", "CIS Sélestat"]
    assert names(update(found, SELESTAT.position)) == ["CIS Sélestat", "CIS Andlau", "CIS Barr"]
    assert names(update(called(crew()), SELESTAT.position)) == ["CIS Barr", "CIS Andlau", "CIS Sélestat"]


def update(found: Incident, position: Position) -> Incident:
    """Return the incident after its source sent a position."""
    change = Update(named("update"), None, position, (), None, trusted=True)
    return after(found, change)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"muster": "station"}, "muster"),
        ({"muster": "Station", "engagement": "crew"}, "muster"),
        ({"muster": "CIS Barr", "engagement": "notice"}, "muster"),
        ({"stations": ("CIS Barr",), "engagement": "crew"}, "stations"),
        ({"muster": "station", "engagement": "crew", "stations": ("CIS Barr", "CIS Barr")}, "stations"),
    ],
)
def test_a_plan_whose_place_cannot_be_meant_names_the_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan(**changes)
    assert caught.value.errors()[0]["ctx"]["error"].field == field
