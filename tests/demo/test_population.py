import random
from collections import Counter
from dataclasses import replace
from datetime import date
from math import cos, hypot, radians

import pytest

from dispatch.cli.demo.emergency_calls import load
from dispatch.cli.demo.population import COLUMNS, population
from schemas.volunteers import VolunteerBody

CALLS = load().calls
PEOPLE = population(CALLS)


def share(skill: str) -> float:
    return sum(skill in person["skills"].split(";") for person in PEOPLE) / len(PEOPLE)


def age(person: dict[str, str], today: date) -> int:
    born = date.fromisoformat(person["birth_date"])
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def metres_to_the_nearest_call(person: dict[str, str]) -> float:
    lat, lon = float(person["lat"]), float(person["lon"])
    scale = cos(radians(lat))
    return min(111_195 * hypot(lat - call.lat, (lon - call.lon) * scale) for call in CALLS)


def test_there_are_two_thousand_volunteers_in_the_columns_of_the_import() -> None:
    assert len(PEOPLE) == 2000
    assert {tuple(person) for person in PEOPLE} == {COLUMNS}
    assert ",".join(COLUMNS) == "name,phone,language,skills,lat,lon,birth_date,consent,availability"


def test_every_volunteer_can_be_registered() -> None:
    for person in PEOPLE:
        position = {"lat": float(person["lat"]), "lon": float(person["lon"])}
        skills = person["skills"].split(";") if person["skills"] else []
        rest = {name: person[name] for name in ("name", "phone", "language", "availability")}
        body = rest | {"position": position, "skills": skills, "consent": [person["consent"]]}
        VolunteerBody.model_validate(body | {"birth_date": date.fromisoformat(person["birth_date"])})


def test_every_phone_number_is_unique_and_from_the_range_reserved_for_fiction() -> None:
    phones = {person["phone"] for person in PEOPLE}
    assert len(phones) == 2000
    assert all(phone.startswith("+3363998") and len(phone) == 12 for phone in phones)


def test_more_volunteers_than_fictitious_phones_are_rejected() -> None:
    with pytest.raises(ValueError, match="10000 fictitious"):
        population(CALLS, size=10_001)
    assert population(CALLS, size=10_000)[-1]["phone"] == "+33639989999"


def test_the_same_seed_makes_the_same_people_whatever_the_global_generator_says() -> None:
    random.seed(1)
    before = random.getstate()
    assert population(CALLS, size=50, seed=7) == population(CALLS, size=50, seed=7)
    assert random.getstate() == before


def test_another_seed_makes_other_people() -> None:
    assert population(CALLS, size=50, seed=7) != population(CALLS, size=50, seed=8)


@pytest.mark.parametrize(
    ("skill", "expected"),
    [
        ("firefighter", 0.30),
        ("driver", 0.145),
        ("crew_leader", 0.075),
        ("first_aid", 0.775),
        ("cpr", 0.70),
        ("watch", 0.29),
    ],
)
def test_skills_are_held_by_their_assumed_share(skill: str, expected: float) -> None:
    assert share(skill) == pytest.approx(expected, abs=0.035)


def test_only_firefighters_lead_crews() -> None:
    assert all("firefighter" in person["skills"] for person in PEOPLE if "crew_leader" in person["skills"])


def test_most_are_available_and_some_on_call_or_not() -> None:
    counts = Counter(person["availability"] for person in PEOPLE)
    assert set(counts) == {"available", "on_call", "unavailable"}
    assert 1500 < counts["available"] < 1700
    assert counts["on_call"] > 100
    assert counts["unavailable"] > 180


def test_all_agreed_to_sms_and_speak_french_or_english() -> None:
    assert {person["consent"] for person in PEOPLE} == {"sms"}
    assert {person["language"] for person in PEOPLE} == {"fr", "en"}


@pytest.mark.parametrize("today", [None, date(2026, 11, 22), date(2028, 2, 29)])
def test_a_few_are_under_eighteen_on_the_day_of_the_demo(today: date | None) -> None:
    day = today or date(2017, 1, 1)
    ages = [age(person, day) for person in population(CALLS, today=today)]
    assert 10 < sum(years < 18 for years in ages) < 80
    assert min(ages) >= 13
    assert max(ages) < 67


def test_volunteers_live_around_the_calls() -> None:
    distances = sorted(metres_to_the_nearest_call(person) for person in PEOPLE)
    assert distances[1000] < 600
    assert distances[0] > 0
    assert distances[-1] < 4 * 700


def test_people_live_on_both_sides_of_the_180th_meridian() -> None:
    calls = [replace(CALLS[0], lat=-16.8, lon=lon) for lon in (179.9999, -179.9999)]
    found = [float(person["lon"]) for person in population(calls, size=50)]
    assert all(179 < abs(lon) <= 180 for lon in found)
    assert {lon > 0 for lon in found} == {True, False}
