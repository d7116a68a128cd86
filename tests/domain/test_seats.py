"""Who fits a seat: all of some skills and, where any are named, one of others."""

import pytest

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.incident import Seat
from schemas.plans import Plan
from tests.domain.builders import answered, ask, incident, plan


@pytest.mark.parametrize(
    ("all_skills", "any_skills", "skills", "fits"),
    [
        (("first_aid",), (), ["first_aid", "driver"], True),
        (("first_aid",), (), ["driver"], False),
        (("first_aid", "driver"), (), ["first_aid"], False),
        (("first_aid", "driver"), (), ["driver", "first_aid"], True),
        ((), ("nurse", "doctor"), ["doctor"], True),
        ((), ("nurse", "doctor"), ["first_aid"], False),
        (("driver",), ("nurse", "doctor"), ["nurse"], False),
        (("driver",), ("nurse", "doctor"), ["nurse", "driver"], True),
        ((), (), [], True),
    ],
)
def test_a_seat_is_for_who_has_all_of_its_skills_and_one_of_its_alternatives(
    all_skills: tuple[str, ...], any_skills: tuple[str, ...], skills: list[str], *, fits: bool
) -> None:
    assert Seat(1, "helper", all_skills, any_skills, 18, reserve=False).fits(skills) is fits


def _with_a_translator(**changes: object) -> Plan:
    translator = {"role": "translator", "skills": ("arabic",), "count": 1, "need": "welcome", "min_age": 16}
    return plan(seats=({"role": "helper", "skills": ("first_aid",), "count": 2}, translator), **changes)


def test_a_welcome_seat_is_asked_for_and_filled_in_reserve() -> None:
    state = ask(incident(_with_a_translator()), 2)
    assert offers_wanted(incident(_with_a_translator()))["translator"] > 0
    seated = answered(state, 1, "accepted")
    assert [seat.role for seat in seated.seats if seat.assignment_id] == ["translator"]
    assert seated.covered_at is None


def test_an_incident_lacks_nobody_who_is_only_welcome() -> None:
    state = ask(incident(_with_a_translator()), 4)
    covered = answered(answered(state, 0, "accepted"), 2, "accepted")
    assert covered.covered_at is not None
    assert "step" not in agenda(covered)
    assert {offer.role for offer in covered.live_offers()} == {"translator"}


def test_a_seat_may_have_an_age_of_its_own() -> None:
    ages = {seat.role: seat.min_age for seat in incident(_with_a_translator()).seats}
    assert ages == {"helper": 18, "translator": 16}


def test_the_surplus_is_of_a_role_that_is_required() -> None:
    seats = (
        {"role": "helper", "skills": ("first_aid",), "count": 1},
        {"role": "porter", "skills": ("strong",), "count": 5, "need": "welcome"},
    )
    state = incident(plan(seats=seats, offers={"surplus": 1}))
    assert [seat.role for seat in state.seats if seat.reserve] == [*["porter"] * 5, "helper"]


def test_a_plan_requires_somebody() -> None:
    with pytest.raises(ValueError, match="at least one seat must be required"):
        plan(seats=({"role": "helper", "skills": ("first_aid",), "count": 1, "need": "welcome"},))
