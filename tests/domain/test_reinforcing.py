"""More seats on a running incident, by a person's act."""

import pytest

from dispatch.domain.agenda import agenda
from dispatch.domain.asking.offers import offers_wanted
from dispatch.domain.commands import Act
from dispatch.domain.decide import decide
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.supervising.supervision import allowed
from schemas.incidents import SeatsAdded
from tests.domain.builders import acted, after, answered, ask, at, incident, plan


def reinforced(state: Incident, count: int = 2, role: str = "helper") -> Incident:
    return after(state, Act("reinforce", "Ada", role=role, count=count), now=at(30))


def covered() -> Incident:
    """Give an incident whose two seats are filled."""
    return answered(answered(ask(incident(), 3), 0, "accepted"), 1, "accepted")


def test_seats_that_are_added_are_as_the_others_of_their_role_and_take_the_next_numbers() -> None:
    (event,) = decide(incident(), Act("reinforce", "Ada", "two_cars", role="helper", count=2), at(30))
    assert isinstance(event, SeatsAdded)
    assert (event.by, event.reason, [seat.number for seat in event.seats]) == ("Ada", "two_cars", [3, 4])
    first, *_, last = reinforced(incident()).seats
    assert (last.all_skills, last.min_age, last.reserve) == (first.all_skills, first.min_age, False)


def test_a_covered_incident_lacks_people_again_and_asks_them_at_once() -> None:
    state = reinforced(covered())
    assert state.covered_at is None
    assert sum((state.needed() - state.filled()).values()) == 2
    assert offers_wanted(state).total() > 0
    assert agenda(state).keys() >= {"consider", "step"}


def test_it_is_covered_once_the_added_seats_are_filled_too() -> None:
    state = ask(reinforced(covered(), 1), 4)
    assert answered(state, 2, "accepted").covered_at is not None


@pytest.mark.parametrize(("role", "count"), [("driver", 1), ("helper", 0), ("helper", 101)])
def test_no_seats_of_another_role_are_added_and_not_too_many(role: str, count: int) -> None:
    with pytest.raises(RefusedError):
        reinforced(incident(), count, role)


@pytest.mark.parametrize(
    ("act", "may"), [("hold", True), ("takeover", False), ("abort", False), ("close", False)]
)
def test_it_is_reinforced_only_while_renfort_asks(act: str, *, may: bool) -> None:
    state = acted(incident(), act)
    assert ("reinforce" in allowed(state)) is may
    if may:
        assert len(reinforced(state).seats) == 4
    else:
        with pytest.raises(RefusedError):
            reinforced(state)


def test_what_asks_nobody_cannot_be_reinforced() -> None:
    empty = incident(plan(seats=()))
    assert "reinforce" not in allowed(empty)
    with pytest.raises(RefusedError):
        reinforced(empty)
