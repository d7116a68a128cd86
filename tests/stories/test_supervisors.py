"""Supervisors: notified in time and in order, asked to confirm, and able to overrule everything."""

from tests.stories.city import PLACE, City, north
from tests.stories.phones import Handset
from tests.stories.reported import Reported

OFFER = "Venez-vous"
ARREST = "medical.cardiac_arrest"


async def test_a_cardiac_arrest_that_nobody_answers_escalates_within_60_s(city: City) -> None:
    await city.enrol(60)
    await city.report(kind=ARREST, at=PLACE)
    await city.expect_sms_on(7, OFFER)
    await city.passes(59)
    await city.expect_escalation(level=1, reason="uncovered")


async def test_a_page_goes_down_the_duty_order_until_acknowledged_and_again_when_that_lapses(
    city: City,
) -> None:
    first, second, third = await city.put_on_duty(3)
    await city.enrol(60)
    await city.report(kind=ARREST, at=PLACE)
    await city.passes(45)
    assert not first.inbox
    await city.passes(45)
    await first.expects("niveau 2", "pas assez de monde")
    await city.passes(59)
    assert not second.inbox
    await city.passes(1)
    await second.expects("niveau 2")
    await city.passes(30)
    await first.expects("niveau 3")
    await city.acknowledge(await city.expect_escalation(level=3))
    await city.passes(120)
    assert [len(phone.inbox) for phone in (first, second, third)] == [2, 1, 0]
    await city.passes(60)
    await second.expects("niveau 3")


async def test_a_report_from_an_untrusted_source_asks_nobody_until_a_supervisor_confirms(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE, by="neighbour")
    await supervisor.expects("votre confirmation est attendue")
    await city.passes(30)
    assert not city.messages()
    await arrest.supervisor("confirm")
    await city.expect_sms_on(7, OFFER)


async def test_a_reporter_without_professional_help_is_advised_and_a_supervisor_confirms(
    city: City,
) -> None:
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE, reference=None)
    assert "112" in arrest.answer["advice"]["fr"]
    await city.expect_escalation(reason="awaiting_confirmation")
    await city.calm()
    assert not city.messages()
    professional = {"requested": True, "reference": "SAMU 75/9"}
    await city.report(kind=ARREST, at=PLACE, updates=arrest.source_id, professional=professional)
    await city.expect_sms_on(7, OFFER)


async def an_arrest_with_one_coming(city: City) -> tuple[Reported, Handset, Handset]:
    """Create an incident with one acceptance and one open offer; return it and both phones."""
    await city.enrol(2)
    arrest = await city.report(kind=ARREST, at=PLACE)
    coming, asked = await city.expect_sms_on(2, OFFER)
    await coming.answers("OUI")
    await coming.expects("on vous attend")
    await city.passes(1)
    return arrest, coming, asked


async def test_an_update_with_a_weapon_recalls_everybody_until_acknowledged_or_escalated(
    city: City,
) -> None:
    (supervisor,) = await city.put_on_duty(1)
    arrest, coming, asked = await an_arrest_with_one_coming(city)
    update = await city.report(kind=ARREST, at=PLACE, updates=arrest.source_id, hazards=["weapon"])
    assert update.id == arrest.id
    await city.expect_sms_on(2, "N'APPROCHEZ PAS")
    await supervisor.expects("danger signalé")
    assert (await arrest.now()).status == "aborted"
    await city.passes(5)
    await coming.answers(f"VU {coming.code}")
    await city.passes(56)
    escalation = await city.expect_escalation(reason="recall_unacknowledged")
    assert escalation["detail"].startswith("1 ")
    await supervisor.expects("tous n'ont pas confirmé la consigne")
    await asked.presses("acknowledged")
    await arrest.until(lambda i: not i.unseen(), "all have acknowledged")
    await city.calm()
    assert "recall_unacknowledged" not in {
        e["reason"] for e in await city.call("GET", "/v1/escalations", "Ada")
    }
    assert "N'APPROCHEZ PAS" in await coming.page()


async def test_a_hold_stops_everybody_and_new_offers_until_it_is_lifted(city: City) -> None:
    arrest, coming, asked = await an_arrest_with_one_coming(city)
    await arrest.supervisor("hold")
    await city.expect_sms_on(2, "ATTENDEZ")
    (newcomer,) = await city.enrol(1, nearest=10)
    await city.passes(30)
    assert not newcomer.inbox
    await arrest.supervisor("resume")
    await coming.expects("Fin de l'attente", "y aller")
    await asked.expects("Fin de l'attente", "Pouvez-vous y aller")
    await city.passes(3)
    await newcomer.expects(OFFER)


async def test_a_responder_who_sees_danger_holds_everybody_and_a_supervisor_is_paged(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    arrest, coming, asked = await an_arrest_with_one_coming(city)
    await coming.presses("en_route")
    await coming.presses("danger")
    await asked.expects("ATTENDEZ")
    await coming.expects("ATTENDEZ")
    await supervisor.expects("un intervenant signale un danger")
    assert (await arrest.now()).status == "held"


async def test_a_supervisor_may_take_over_an_incident_and_give_it_back(city: City) -> None:
    arrest, coming, asked = await an_arrest_with_one_coming(city)
    await city.passes(46)
    await city.expect_escalation(reason="uncovered")
    await arrest.supervisor("takeover")
    await asked.expects("Nous n'avons plus besoin de vous")
    assert not await city.call("GET", "/v1/escalations", "Ada")
    (newcomer,) = await city.enrol(1, nearest=10)
    await city.passes(120)
    assert not newcomer.inbox
    assert list(await arrest.seated()) == [coming]
    await arrest.supervisor("give-back")
    await newcomer.expects(OFFER)


async def test_a_pause_stops_new_offers_and_lets_recalls_through(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    arrest, *_ = await an_arrest_with_one_coming(city)
    newcomers = await city.enrol(3, nearest=10)
    await city.call("POST", "/v1/pause", "Ada", expected=204)
    await supervisor.expects("les demandes sont suspendues")
    await city.report(kind=ARREST, at=north(5))
    await city.passes(10)
    assert not any(phone.inbox for phone in newcomers)
    await arrest.supervisor("abort")
    await city.expect_sms_on(2, "N'APPROCHEZ PAS")
    await city.call("POST", "/v1/resume", "Ada", expected=204)
    await city.passes(5)
    await city.expect_sms_on(3, OFFER, among=newcomers)


async def test_a_supervisor_who_escalates_by_hand_pages_the_duty_contact(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    arrest, *_ = await an_arrest_with_one_coming(city)
    await arrest.supervisor("escalate")
    await supervisor.expects("demande d'un superviseur")
    await arrest.supervisor("cancel")
    await arrest.supervisor("hold", expected=409)


async def test_a_report_of_unknown_kind_is_opened_and_escalated_and_asks_nobody(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    await city.enrol(3)
    await city.report(kind="zoo.escaped_tiger", at=PLACE)
    await supervisor.expects("aucun plan ne prévoit de volontaires")
    await city.passes(60)
    assert not city.messages()


async def test_a_report_without_a_position_is_escalated_and_asks_once_it_has_one(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    await city.enrol(3)
    arrest = await city.report(kind=ARREST, at=None)
    await supervisor.expects("signalement sans position")
    await city.calm()
    assert not city.messages()
    await city.report(kind=ARREST, at=PLACE, updates=arrest.source_id)
    await city.expect_sms_on(3, OFFER)


async def test_a_report_outside_the_area_is_opened_and_escalated(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    abroad = await city.report(kind=ARREST, at=PLACE.model_copy(update={"lat": 43.3, "lon": 5.4}))
    await supervisor.expects("signalement hors du secteur")
    assert (await abroad.now()).status == "open"
