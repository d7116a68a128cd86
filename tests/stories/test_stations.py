"""A pump called at night from a station that is short of a driver, completed by the next one."""

from collections.abc import Sequence

import pytest

from dispatch.services.people import muster_points
from dispatch.services.people.muster_points import Point
from dispatch.services.plans.plan_files import load
from schemas.plans import Plan
from tests.stories.city import City, north
from tests.stories.phones import Handset


@pytest.fixture
def plans() -> Sequence[Plan]:
    """Return the plan of a pump that is crewed by four, who come from their stations."""
    shipped = next(plan for plan in load(None).plans if plan.name == "fire-crew").model_dump()
    seats = [{"role": role, "skills": (role,), "count": 1} for role in ("driver", "crew_leader")]
    seats.append({"role": "firefighter", "skills": ("firefighter",), "count": 2})
    changes = {"name": "pump", "kinds": ("fire.pump",), "muster": "station", "seats": seats}
    return (Plan.model_validate(shipped | changes),)


def station(name: str, metres: float) -> Point:
    """Return a station so far north of the fire."""
    place = north(metres)
    return Point(name, "station", place.lat, place.lon)


async def crew_of(city: City, name: str, near: float, *skills: str) -> list[Handset]:
    """Register the members of a station, who live around it."""
    found = [await city.enrol(1, nearest=near, skills=[skill], station=name) for skill in skills]
    return [phone for (phone,) in found]


async def test_a_pump_short_of_a_driver_is_completed_by_the_next_station(city: City) -> None:
    stations = [station("CIS Barr", 3000), station("CIS Andlau", 9000), station("CIS Obernai", 20_000)]
    await muster_points.put(city.node.uow, city.organisation, stations)
    barr = await crew_of(city, "CIS Barr", 3200, "crew_leader", "firefighter", "firefighter")
    andlau = await crew_of(city, "CIS Andlau", 9100, "driver", "driver")
    (stranger,) = await city.enrol(1, nearest=50, skills=["driver"])

    fire = await city.report(kind="fire.pump")
    for phone in barr:
        text = await phone.expects("Présentez-vous : CIS Barr")
        assert "Andlau" not in text
        await phone.answers("OUI")
    for phone in andlau:
        await phone.expects("Présentez-vous : CIS Andlau")
    incident = await fire.until(lambda i: i.ring == 1, "the next station asked")
    assert [one.name for one in incident.stations] == ["CIS Barr", "CIS Andlau"]

    await andlau[1].answers("OUI")
    incident = await fire.until(lambda i: i.covered_at is not None, "a driver from the next station")
    text = await andlau[1].expects("Merci", "CIS Andlau")
    page = await andlau[1].page()
    assert "CIS Andlau" in page
    place, scene = stations[1], north(0)
    assert f"{place.lat:.5f}" in page
    assert f"{scene.lat:.5f}" not in page
    await city.calm()
    assert not stranger.inbox, "nobody nearer is asked who belongs to no station"
    members = await city.call("GET", "/v1/volunteers", "Ada")
    who = next(one["volunteer_id"] for one in members if one["phone"] == stranger.number)
    reasons = await city.call("GET", f"/v1/volunteers/{who}/reasons", "Ada")
    assert reasons
    assert all("station" in one["why"] for one in reasons)
    assert incident.plan.muster == "station"


async def test_the_members_of_a_station_that_is_removed_meanwhile_are_asked_no_more(city: City) -> None:
    await muster_points.put(city.node.uow, city.organisation, [station("CIS Barr", 3000)])
    first = await crew_of(city, "CIS Barr", 3200, "crew_leader", "driver", "firefighter", "firefighter")
    fire = await city.report(kind="fire.pump")
    for phone in first:
        await phone.expects("Présentez-vous : CIS Barr")
    await muster_points.remove(city.node.uow, city.organisation, "CIS Barr")
    for phone in first[1:]:
        await phone.answers("NON")
    await first[0].answers("OUI")
    await first[0].expects("Merci", "CIS Barr")
    incident = await fire.until(lambda i: len(i.live) == 0, "nobody is asked any more")
    assert [offer.muster for offer in incident.offers.values()] == ["CIS Barr"] * 4
