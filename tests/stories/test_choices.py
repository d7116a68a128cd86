"""Whom a plan asks: the parents of a crèche in turn, and never two together who must not meet."""

from collections.abc import Sequence

import pytest

from dispatch.services.people import lists
from schemas.plans import Plan
from tests.stories.city import PLACE, City
from tests.stories.phones import Handset

OFFER = "Venez-vous"


def plan(name: str, seats: int, **search: object) -> Plan:
    return Plan.model_validate(
        {
            "name": name,
            "title": {"fr": "Crèche", "en": "Crèche"},
            "kinds": (name,),
            "professional": "none",
            "seats": ({"role": "helper", "skills": ("first_aid",), "count": seats},),
            "offers": {"per_seat": 1, "window_s": 600},
            "search": {"radii_m": (5000,), **search},
            "steps": ({"after_s": 3600, "level": 1, "do": "page"},),
        }
    )


@pytest.fixture
def plans() -> Sequence[Plan]:
    """Let a crèche ask its parents in turn, and two people for an outing."""
    return (plan("creche", 1, choose="turn", only="parents"), plan("outing", 2))


async def the_turn(city: City, among: Sequence[Handset]) -> Handset:
    """Report that somebody is missing; return the phone of whoever is asked, who comes and does the work."""
    reported = await city.report(kind="creche", at=PLACE)
    phone = await city.expect_sms(OFFER, among=among)
    await phone.answers("OUI")
    await phone.expects("on vous attend")
    for answer in ("sur place", "fini"):
        await phone.answers(answer)
        await city.calm()
    await reported.until(lambda i: i.ended, "the end")
    await city.passes(7200)
    return phone


async def test_the_parents_of_a_creche_are_asked_in_turn_and_nobody_else(city: City) -> None:
    neighbours = await city.enrol(4, nearest=10)
    parents = await city.enrol(3, nearest=2000)
    numbers = [phone.number for phone in parents]
    await lists.set_list(city.node.uow, city.organisation, "parents", phones=numbers)
    turns = [await the_turn(city, parents) for _ in range(4)]
    assert set(turns[:3]) == set(parents)
    assert turns[3] is turns[0]
    assert not any(phone.inbox for phone in neighbours)


async def test_of_two_who_must_not_meet_the_second_is_asked_once_the_first_says_no(city: City) -> None:
    one, other, third = await city.enrol(3)
    pair = [phone.volunteer_id for phone in (one, other)]
    assert None not in pair
    await lists.keep_apart(city.node.uow, city.organisation, *pair)  # type: ignore[arg-type]
    outing = await city.report(kind="outing", at=PLACE)
    await one.expects(OFFER)
    await third.expects(OFFER)
    await city.calm()
    assert not other.inbox
    await one.answers("NON")
    await other.expects(OFFER)
    for phone in (other, third):
        await phone.answers("OUI")
    await outing.until(lambda i: i.covered_at is not None, "two seats filled")
    assert set(await outing.seated()) == {other, third}
