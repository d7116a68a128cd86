"""Supervisors answer their pages by text: from the phone, at night, without a computer."""

import re

from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from tests.stories.city import PLACE, City
from tests.stories.phones import Handset

ARREST = "medical.cardiac_arrest"
OFFER = "Venez-vous"
PAGE_CODE = re.compile(r"OK ([2-9][A-Z][2-9][A-Z])")


def page_code(phone: Handset) -> str:
    """Return the code of the newest page on a phone."""
    return next(found[1] for m in reversed(phone.inbox) if (found := PAGE_CODE.search(m.text)))


async def test_a_supervisor_acknowledges_a_page_by_text_and_the_next_is_paged_when_that_lapses(
    city: City,
) -> None:
    first, second = await city.put_on_duty(2)
    await city.enrol(60)
    arrest = await city.report(kind=ARREST, at=PLACE)
    await city.passes(45)
    await city.passes(45)
    await first.expects("niveau 2", "OK", "JE PRENDS")
    await first.answers(f"ok {page_code(first)}")
    await first.expects("C'est noté")
    assert (await city.expect_escalation(level=2))["acknowledged_by"] == "Supervisor 0"
    await city.passes(29)
    assert not second.inbox
    timeline = await city.call("GET", f"/v1/incidents/{arrest.id}/timeline", "Ada")
    (act,) = [m["detail"] for m in timeline["moments"] if m["what"] == "escalation.acknowledged"]
    assert (act["by"], act["channel"]) == ("Supervisor 0", "sms")


async def test_a_supervisor_takes_an_incident_over_by_text_and_the_next_one_is_told_so(city: City) -> None:
    first, second = await city.put_on_duty(2)
    await city.enrol(60)
    arrest = await city.report(kind=ARREST, at=PLACE)
    await city.passes(45)
    await city.passes(45)
    await first.expects("niveau 2")
    await city.passes(60)
    await second.expects("niveau")
    await first.answers("Je prends")
    await first.expects("Vous avez la main")
    incident = await arrest.until(lambda i: i.status == "taken_over", "taken over")
    assert not incident.live_offers()
    assert (await city.call("GET", f"/v1/incidents/{arrest.id}", "Ada"))["taken_by"] == "Supervisor 0"
    await second.answers("j'y suis")
    await second.expects("Déjà pris par Supervisor 0")
    assert not await city.call("GET", "/v1/escalations", "Ada")
    timeline = await city.call("GET", f"/v1/incidents/{arrest.id}/timeline", "Ada")
    (act,) = [m["detail"] for m in timeline["moments"] if m["what"] == "incident.taken_over"]
    assert (act["by"], act["channel"]) == ("Supervisor 0", "sms")


async def test_a_supervisor_who_is_a_volunteer_too_is_asked_which_is_meant(city: City) -> None:
    (both, *_) = await city.enrol(3)
    await organisations.set_duty(city.node.uow, city.organisation, [DutyContact("Anne", both.number)])
    arrest = await city.report(kind=ARREST, at=PLACE)
    await both.expects(OFFER)
    await arrest.supervisor("escalate")
    await both.expects("demande d'un superviseur")
    await both.answers("je prends")
    await both.expects("A quoi répondez-vous", "OUI ou NON", "JE PRENDS")
    assert not await arrest.seated()
    await both.answers(f"oui {both.code}")
    await both.expects("on vous attend")
    await both.answers(f"ok {page_code(both)}")
    await both.expects("C'est noté")
    assert (await arrest.now()).status == "open"
