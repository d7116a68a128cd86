"""Skills and kinds that plans, rosters and reports do not share, said wherever somebody would look."""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from dispatch.services.plans.plan_files import PlanBook, load
from dispatch.services.plans.vocabulary import (
    HeldPoint,
    places_nobody_comes_to,
    skills_never_asked,
    skills_nobody_has,
    unknown_kind,
)
from schemas.plans import Plan
from tests.cli.invocations import Dispatch, sheet

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"
BOOK = load(None)


def test_a_skill_that_no_plan_asks_for_is_said_with_the_nearest_one() -> None:
    found = [str(one) for one in skills_never_asked(BOOK, {"firstaid": 2, "first_aid": 3, "cooking": 1})]
    assert found == [
        "1 person has the skill `cooking`, which no plan asks for",
        "2 people have the skill `firstaid`, which no plan asks for; did you mean `first_aid`?",
    ]


def test_a_skill_that_nobody_has_is_said_with_what_they_have_instead() -> None:
    held = {"firstaid": 2, "driver": 0, "crew_leader": 1, "firefighter": 1, "watch": 1}
    assert [str(one) for one in skills_nobody_has(BOOK, held)] == [
        "nobody has the skill `driver`, which the plan fire-crew asks for: it is out of date for all who had it",
        "nobody has the skill `first_aid`, which the plan cardiac-arrest asks for; did you mean `firstaid`?",
    ]


def crews(changes: Mapping[str, object] | None = None) -> PlanBook:
    """Return the shipped plans, the crew coming from its station."""
    known = {"muster": "station"} | dict(changes or {})
    return PlanBook(
        tuple(
            Plan.model_validate(one.model_dump() | known) if one.engagement == "crew" else one
            for one in BOOK.plans
        )
    )


def test_a_station_without_members_is_said_where_a_plan_asks_stations() -> None:
    points = [HeldPoint("SDIS 67", "CIS Barr", 3), HeldPoint("SDIS 67", "CIS Andlau", 0)]
    assert list(places_nobody_comes_to(BOOK, points)) == []
    assert [str(one) for one in places_nobody_comes_to(crews(), points)] == [
        "SDIS 67: the station `CIS Andlau` has no members"
    ]


def test_a_plan_that_asks_stations_of_which_nobody_is_a_member_is_said() -> None:
    assert [str(one) for one in places_nobody_comes_to(crews(), [])] == [
        "nobody has a station, and crews come from theirs under the plan fire-crew"
    ]


def test_a_place_that_a_plan_names_and_nobody_has_is_said_with_the_nearest_one() -> None:
    points = [HeldPoint("SDIS 67", "CIS Barr", 3), HeldPoint("SDIS 67", "Place de la Mairie", None)]
    cases: list[tuple[dict[str, object], str, str | None]] = [
        ({"muster": "Place de la Marie"}, "Place de la Marie", "Place de la Mairie"),
        ({"stations": ("CIS Bar",)}, "CIS Bar", "CIS Barr"),
        ({"stations": ("Place de la Mairie",)}, "Place de la Mairie", None),
    ]
    for changes, wrong, meant in cases:
        assert [str(one) for one in places_nobody_comes_to(crews(changes), points)] == [
            f"no muster point is named `{wrong}`, which the plan fire-crew names"
            + (f"; did you mean `{meant}`?" if meant else "")
        ]


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("medical.cardiac_arest", "medical.cardiac_arrest"),
        ("medical.cardiac-arrest", "medical.cardiac_arrest"),
        ("fier.building", "fire.building"),
        ("crue.building", None),
    ],
)
def test_a_misspelt_kind_is_said_with_the_nearest_one(kind: str, meant: str | None) -> None:
    found = unknown_kind(BOOK, kind)
    assert found is not None
    assert found.meant == meant


def test_a_kind_that_a_plan_names_is_not_unknown() -> None:
    assert unknown_kind(BOOK, "medical.cardiac_arrest") is None


@pytest.mark.usefixtures("organisation")
async def test_a_misspelt_skill_is_said_by_the_import_the_check_and_the_doctor(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    file = sheet(tmp_path, HEADER + "Ada,+33639980001,fr,frist_aid,48.58,7.75,1990-01-31,sms,available\n")
    said = "1 person has the skill `frist_aid`, which no plan asks for; did you mean `first_aid`?"
    done = await dispatch("volunteers", "import", file)
    assert (done.code, said in done.err) == (0, True)
    checked = await dispatch("plans", "check", "--roster")
    assert (checked.code, said in checked.err) == (1, True)
    assert "nobody has the skill `first_aid`" in checked.err
    (found,) = [
        one for one in (await dispatch("doctor", "--json")).json() if one["what"] == "skills and kinds"
    ]
    assert (found["state"], "dispatch plans check --roster" in found["detail"]) == ("warn", True)


@pytest.mark.usefixtures("organisation")
async def test_a_misspelt_kind_is_said_by_the_report_and_accepted(
    dispatch: Dispatch, pool: asyncpg.Pool
) -> None:
    done = await dispatch("report", "medical.cardiac_arest", "--lat", "48.58", "--lon", "7.75")
    assert (done.code, "did you mean `medical.cardiac_arrest`?" in done.err) == (0, True)
    assert "(the shipped plans, since DISPATCH_PLANS is empty; " in done.err
    assert await pool.fetchval("SELECT count(*) FROM reports") == 1


@pytest.mark.usefixtures("organisation")
async def test_a_list_that_is_not_there_and_a_seat_for_nobody_are_said(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    file = sheet(tmp_path, HEADER + "Ada,+33639980001,fr,first_aid,48.58,7.75,2009-01-31,sms,available\n")
    await dispatch("volunteers", "import", file)
    await dispatch("lists", "set", "parents", "--phones", "+33639980001")
    plans = tmp_path / "plans"
    plans.mkdir()
    asks = "seats: [{role: helper, skills: [first_aid], count: 1%s}]\nsteps: [{after_s: 60, level: 1, do: page}]\n"
    for name, seat, search in (
        ("default", ", min_age: 16", "only: parent, never: suspended"),
        ("adults", "", "only: parents"),
        ("young", ", min_age: 16", "only: parents"),
    ):
        head = (
            f"name: {name}\ntitle: {{fr: A, en: A}}\nkinds: [{name}]\nsearch: {{radii_m: [500], {search}}}\n"
        )
        (plans / f"{name}.yaml").write_text(head + asks % seat, "utf-8")
    checked = await dispatch("plans", "check", plans, "--roster")
    misspelt = (
        "there is no list `parent`, which the plan default names: it asks nobody; did you mean `parents`?"
    )
    assert (checked.code, misspelt in checked.err) == (1, True)
    assert "no list `suspended`, which the plan default names: it shuts out nobody" in checked.err
    assert [line for line in checked.err.splitlines() if "nobody on the roster" in line] == [
        "nobody on the roster meets the skills, age and lists of the seat `helper` of the plan adults"
    ]
