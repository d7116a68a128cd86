"""The stored form of plans: release 0.1.0 reads what it knew, and the hash of a plan stays."""

import pytest

from schemas.plans import Plan, read_plan
from schemas.plans.stored import for_v1
from tests.domain.builders import plan, watch_plan

EVERY = [
    plan(),
    watch_plan(),
    plan(engagement="crew"),
    plan(seats=({"role": "nurse", "skills": ("a", "b"), "any": ("c",), "count": 1},)),
]


@pytest.mark.parametrize("one", EVERY)
def test_a_stored_plan_is_read_as_it_was(one: Plan) -> None:
    assert read_plan(one.canonical) == one
    assert read_plan(one.canonical).hash == one.hash


def test_what_release_0_1_0_knew_keeps_its_names_and_the_hash() -> None:
    stored = plan(engagement="crew").canonical
    assert stored["crew"] is True
    assert stored["seats"] == [{"role": "helper", "skill": "first_aid", "count": 2}]
    assert [step.get("page") for step in stored["steps"]] == [None, True, True]
    assert watch_plan().canonical["informs"] is True
    assert plan().hash == "4e4b63e6cea29f2e6ce7acd78fad6b5b"


def test_a_stored_plan_with_every_flag_written_out_is_read() -> None:
    full = {**for_v1(plan().model_dump(mode="json")), "crew": False, "informs": False}
    assert read_plan(full) == plan()


def test_release_0_1_0_gets_the_fields_of_its_strict_plans_alone() -> None:
    written = for_v1(plan(engagement="crew", stale_after_s=60, place_when_asked=True).model_dump(mode="json"))
    assert written["crew"] is True
    assert not written.keys() & {"engagement", "stale_after_s", "arrive_within_s", "place_when_asked"}
    assert [seat.keys() for seat in written["seats"]] == [{"role", "skill", "count"}]
    assert [step.keys() for step in written["steps"]] == [{"after_s", "level", "page"}] * 3
