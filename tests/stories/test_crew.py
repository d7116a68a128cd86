"""A pump crew of six, called at night."""

from collections import Counter

from tests.stories.city import City
from tests.stories.phones import Handset

OFFER = "Venez-vous au centre"
SKILLS = ["driver"] * 3 + ["crew_leader"] * 3 + ["firefighter"] * 16


async def a_fire_station(city: City) -> dict[Handset, str]:
    """Register the station's crew, each with one skill; return their phones and skills."""
    found = [await city.enrol(1, nearest=100 + 10 * n, skills=[skill]) for n, skill in enumerate(SKILLS)]
    return {phone: skill for (phone,), skill in zip(found, SKILLS, strict=True)}


async def test_a_crew_of_six_is_filled_by_the_right_skills_and_the_surplus_is_stood_down(city: City) -> None:
    skill_of = await a_fire_station(city)
    fire = await city.report(kind="fire.building", severity="life_threatening")
    first = await city.expect_sms_on(12, OFFER)
    assert Counter(skill_of[phone] for phone in first) == {"driver": 2, "crew_leader": 2, "firefighter": 8}
    await city.passes(91)
    second = await city.expect_sms_on(10, OFFER)
    assert not set(first) & set(second), "nobody is asked twice"

    for phone in second:
        await phone.answers("OUI")
    incident = await fire.until(lambda i: i.covered_at is not None, "six seats filled")
    await city.calm()
    assert incident.filled() == {"driver": 1, "crew_leader": 1, "firefighter": 4}
    crew = await fire.seated()
    assert {phone: skill_of[phone] for phone in crew} == crew
    # Answers of different people are worked in any order, so who comes too late is known by now only.
    spare = [phone for phone in second if phone not in crew]
    assert len(spare) == 4
    for phone in crew:
        await phone.expects("de l'équipage")
    for phone in spare:
        await phone.expects("Nous avons assez de monde")


async def test_volunteers_with_open_offers_are_stood_down_when_the_crew_is_complete(city: City) -> None:
    skill_of = await a_fire_station(city)
    fire = await city.report(kind="fire.building")
    asked = await city.expect_sms_on(12, OFFER)
    crew: list[Handset] = []
    for skill, count in (("driver", 1), ("crew_leader", 1), ("firefighter", 4)):
        crew += [phone for phone in asked if skill_of[phone] == skill][:count]
    for phone in crew:
        await phone.presses("accepted")
    await fire.until(lambda i: i.covered_at is not None, "six seats filled")
    await city.expect_sms_on(6, "Nous n'avons plus besoin de vous", among=[p for p in asked if p not in crew])
    await city.calm()
    assert len([phone for phone in city.people if phone.inbox]) == 12, "nobody else was ever asked"


async def test_an_incomplete_crew_notifies_a_supervisor_and_then_pages(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    await a_fire_station(city)
    await city.report(kind="fire.building")
    await city.expect_sms_on(12, OFFER)
    await city.passes(61)
    await city.expect_escalation(level=1, reason="uncovered")
    assert not supervisor.inbox, "the first step pages nobody"
    await city.passes(60)
    await city.expect_escalation(level=2, reason="uncovered")
    await supervisor.expects("niveau 2", "pas assez de monde", "Incendie")
