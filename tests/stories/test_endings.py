"""How missions end though nobody presses "done": what is planned by the clock, anything else by a person."""

from collections.abc import Sequence

import pytest

from schemas.plans import Plan
from tests.stories.city import PLACE, City
from tests.stories.phones import Handset
from tests.stories.reported import Reported

OFFER = "Venez-vous"
MIN, HOUR = 60, 3600
CLEAN_UP = Plan.model_validate(
    {
        "name": "clean-up",
        "title": {"fr": "Nettoyage", "en": "Clean-up"},
        "kinds": ("clean_up",),
        "lane": "planned",
        "quiet": "off",
        "professional": "none",
        "seats": ({"role": "helper", "skills": ("first_aid",), "count": 2},),
        "search": {"radii_m": (5000,)},
        "steps": ({"after_s": 3600, "level": 1, "do": "page"},),
        "ends_after_s": 2 * HOUR,
        "en_route_within_s": 6 * HOUR,
    }
)
VISIT = Plan.model_validate(
    CLEAN_UP.model_dump(exclude={"name", "kinds"})
    | {
        "name": "visit",
        "kinds": ("visit",),
        "lane": "urgent",
        "seats": ({"role": "helper", "skills": ("first_aid",), "count": 1},),
        "offers": {"open": 1, "per_seat": 1, "window_s": 60},
        "en_route_within_s": 5 * MIN,
        "late_seat": "asked_again",
    }
)


@pytest.fixture
def plans() -> Sequence[Plan]:
    """Let the town hall also call for clean-ups and visits."""
    return (CLEAN_UP, VISIT)


async def the_work(city: City, kind: str, people: int = 2) -> tuple[Reported, list[Handset]]:
    """Report an incident, and let so many people come."""
    await city.enrol(people)
    reported = await city.report(kind=kind, at=PLACE)
    phones = await city.expect_sms_on(people, OFFER)
    for phone in phones:
        await phone.answers("OUI")
        await phone.expects("on vous attend")
        await phone.answers("sur place")
    await reported.until(
        lambda i: [a.status for a in i.active()] == ["on_scene"] * people, "everybody on scene"
    )
    return reported, phones


async def test_a_planned_mission_that_nobody_reports_done_ends_unreported_and_binds_nobody(
    city: City,
) -> None:
    (supervisor,) = await city.put_on_duty(1)
    work, phones = await the_work(city, "clean_up")
    await city.passes(2 * HOUR)
    for phone in phones:
        await phone.expects("Est-ce terminé", "FINI", "PAS FINI")
        assert "Pas encore terminé" in await phone.page()
    await city.passes(10 * MIN)
    assert not (await city.expect_escalation(reason="not_ended"))["page"]
    await city.passes(50 * MIN)
    ended = await work.until(lambda i: i.ended, "the end")
    assert (ended.status, ended.outcome, list(ended.active())) == ("closed", "unreported", [])
    for phone in phones:
        await phone.expects("L'heure de fin est passée")
    assert not supervisor.inbox
    shown = await city.call("GET", f"/v1/incidents/{work.id}", "Ada")
    assert shown["outcome"] == "unreported"


async def test_a_not_yet_by_text_or_page_moves_the_end_and_a_done_ends_it(city: City) -> None:
    work, (first, second) = await the_work(city, "clean_up")
    await city.passes(2 * HOUR)
    await first.expects("Est-ce terminé")
    await first.answers("pas fini")
    await work.until(lambda i: i.overdue_at is None, "a later end")
    await city.passes(HOUR)
    await second.presses("not_yet")
    await work.until(lambda i: i.overdue_at is None, "a later end")
    await city.passes(HOUR)
    assert not (await work.now()).ended
    for phone in (first, second):
        assert len([text for text in phone.inbox if "Est-ce terminé" in text.text]) == 3
    await first.answers("FINI")
    await second.presses("released")
    ended = await work.until(lambda i: i.ended, "the end")
    assert (ended.outcome, {a.reason for a in ended.assignments.values()}) == ("done", {"done"})


async def test_a_cardiac_arrest_that_nobody_reports_done_pages_until_a_person_ends_it(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    arrest, phones = await the_work(city, "medical.cardiac_arrest")
    await city.passes(3 * HOUR)
    await phones[0].expects("Est-ce terminé")
    await city.passes(10 * MIN)
    await supervisor.expects("l'heure de fin est passée")
    await city.acknowledge(await city.expect_escalation(reason="not_ended"))
    await city.passes(15 * MIN)
    await supervisor.expects("l'heure de fin est passée")
    for _ in range(12):
        await city.passes(HOUR)
    assert not (await arrest.now()).ended
    before = len(supervisor.inbox)
    assert before > 10
    await city.call("POST", f"/v1/incidents/{arrest.id}/close", "Ada", json={"outcome": "done"}, expected=200)
    await city.passes(HOUR)
    assert len(supervisor.inbox) == before
    assert (await arrest.now()).outcome == "done"


async def test_about_somebody_alone_and_overdue_a_supervisor_is_paged_at_once_and_after_the_end_until_seen(
    city: City,
) -> None:
    (supervisor,) = await city.put_on_duty(1)
    work, (alone,) = await the_work(city, "clean_up", people=1)
    await city.passes(2 * HOUR)
    await alone.expects("Est-ce terminé")
    await supervisor.expects("seul", "appelez-le")
    await city.passes(HOUR)
    ended = await work.until(lambda i: i.ended, "the end")
    assert (ended.outcome, list(ended.active())) == ("unreported", [])
    before = len(supervisor.inbox)
    await city.passes(HOUR)
    assert len(supervisor.inbox) > before
    await city.acknowledge(await city.expect_escalation(reason="alone_overdue"))
    before = len(supervisor.inbox)
    await city.passes(2 * HOUR)
    assert len(supervisor.inbox) == before


async def test_a_false_alarm_is_told_to_those_who_come(city: City) -> None:
    arrest, phones = await the_work(city, "clean_up")
    await city.call(
        "POST", f"/v1/incidents/{arrest.id}/close", "Ada", json={"outcome": "false_alarm"}, expected=200
    )
    for phone in phones:
        await phone.expects("Fausse alerte")


async def test_who_does_not_leave_is_kept_in_reserve_and_has_the_seat_again_when_they_do(city: City) -> None:
    await city.enrol(2)
    visit = await city.report(kind="visit", at=PLACE)
    late = await city.expect_sms(OFFER)
    await late.answers("OUI")
    await late.expects("on vous attend")
    await city.passes(5 * MIN)
    await late.expects("toujours pas parti", "EN ROUTE")
    other = await city.expect_sms(OFFER)
    assert other is not late
    incident = await visit.now()
    assert (incident.covered_at, [a.reserved_at is None for a in incident.active()]) == (None, [False])
    await late.answers("en route")
    back = await visit.until(lambda i: i.covered_at is not None, "the seat filled again")
    assert [(a.volunteer_id, a.reserved_at) for a in back.active()] == [(late.volunteer_id, None)]
    assert back.late() == set()
