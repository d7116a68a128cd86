"""Who fits a seat: all of some skills and, where any are named, one of others."""

import pytest

from dispatch.domain.incident import Seat


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
