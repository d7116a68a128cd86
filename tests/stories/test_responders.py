"""Responders who write: a yes for later, what they report by text, and recalls that they have not seen."""

from tests.stories.city import PLACE, City, north

OFFER = "Venez-vous"
ARREST = "medical.cardiac_arrest"


async def test_a_yes_for_later_is_in_reserve_and_others_are_asked_for_its_seat(city: City) -> None:
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    late, *prompt = await city.expect_sms_on(3, OFFER)
    await late.answers("dispo dans 60 min")
    await late.expects("en réserve", "plus près")
    escalation = await city.expect_escalation(reason="late_arrival")
    assert (escalation["page"], "60 min" in escalation["detail"]) == (False, True)
    for phone in prompt:
        await phone.answers("OUI")
    incident = await arrest.until(lambda i: i.covered_at is not None, "two seats filled in time")
    assert incident.filled() == {"first_responder": 2}
    shown = await city.call("GET", f"/v1/incidents/{arrest.id}", "Ada")
    query = "SELECT id FROM memberships WHERE volunteer_id = $1"
    member = str(await city.node.uow.pool.fetchval(query, late.volunteer_id))
    times = [one["eta_at"] for one in shown["assignments"] if one["volunteer_id"] == member]
    assert times[0] is not None


async def test_somebody_in_reserve_is_counted_on_when_near_and_nobody_else_came(city: City) -> None:
    await city.enrol(1)
    arrest = await city.report(kind=ARREST, at=PLACE)
    phone = await city.expect_sms(OFFER)
    await phone.answers("oui dans 60 min")
    await arrest.until(lambda i: any(i.active()), "the reserve")
    assert (await arrest.now()).filled() == {}
    await city.passes(45 * 60)
    assert (await arrest.now()).filled() == {"first_responder": 1}


async def test_somebody_seated_who_needs_longer_gives_way_to_one_more(city: City) -> None:
    await city.enrol(20)
    arrest = await city.report(kind=ARREST, at=PLACE)
    slow, *others = await city.expect_sms_on(3, OFFER)
    for phone in (slow, *others):
        await phone.answers("OUI")
    await arrest.until(lambda i: len(list(i.active())) == 3, "two seats and the reserve filled")
    await others[0].answers("accident, je ne viens plus")
    await arrest.until(lambda i: len(list(i.active())) == 2, "one left")
    before = len((await arrest.now()).offers)
    await slow.answers("dans 40 min")
    await city.expect_escalation(reason="late_arrival")
    incident = await arrest.until(lambda i: i.covered_at is None, "a seat to fill")
    assert {a.volunteer_id for a in incident.active()} == {slow.volunteer_id, others[1].volunteer_id}
    await city.calm()
    assert len((await arrest.now()).offers) > before


async def test_a_responder_reports_by_text_as_on_the_page(city: City) -> None:
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    phone = await city.expect_sms(OFFER)
    await phone.answers("OUI")
    await phone.expects("on vous attend")
    await phone.answers("en route")
    await arrest.until(lambda i: any(a.status == "en_route" for a in i.active()), "on the way")
    await phone.answers("sur place")
    await arrest.until(lambda i: any(a.status == "on_scene" for a in i.active()), "on scene")
    await phone.answers("fini")
    await arrest.until(lambda i: not any(i.active()), "released")
    assert not phone.unread("compris")


async def test_danger_by_text_recalls_everybody_and_pages(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    first, second = await city.expect_sms_on(2, OFFER)
    for phone in (first, second):
        await phone.answers("OUI")
        await phone.expects("on vous attend")
    await city.passes(1)
    await first.answers("danger homme armé")
    await second.expects("ATTENDEZ")
    await supervisor.expects("danger")
    shown = await city.call("GET", f"/v1/incidents/{arrest.id}", "Ada")
    assert [one["text"] for one in shown["texts"]][-1] == "danger homme armé"
    await city.passes(1)
    await second.answers("oui")
    seen = await arrest.until(lambda i: any(r.acknowledged_at for r in i.recalls.values()), "one has seen it")
    assert [who for who, r in seen.recalls.items() if r.acknowledged_at] == [second.volunteer_id]


async def test_what_a_responder_writes_reaches_a_supervisor_who_reads_it(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1)
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    phone = await city.expect_sms(OFFER)
    await phone.answers("OUI")
    await phone.expects("on vous attend")
    await city.passes(1)
    await phone.answers("portail fermé, quel est le code ?")
    await phone.expects("transmis à un superviseur")
    page = await supervisor.expects("a écrit un message")
    assert "portail" not in page
    shown = await city.call("GET", f"/v1/incidents/{arrest.id}", "Ada")
    assert shown["texts"][-1]["text"] == "portail fermé, quel est le code ?"
    await city.acknowledge(await city.expect_escalation(reason="responder_text"))
    reasons = {e["reason"] for e in await city.call("GET", "/v1/escalations", "Ada")}
    assert "responder_text" not in reasons


async def test_a_yes_while_a_recall_is_unseen_takes_no_seat(city: City) -> None:
    (phone,) = await city.enrol(1)
    arrest = await city.report(kind=ARREST, at=PLACE)
    await phone.expects(OFFER)
    await arrest.supervisor("abort")
    await phone.expects("N'APPROCHEZ PAS")
    second = await city.report(kind=ARREST, at=north(500))
    await phone.expects(OFFER)
    await phone.answers("je sais pas")
    question = await phone.expects("message de sécurité")
    assert "OUI" not in question
    # Within seconds of each other the two texts would be halves of one.
    await city.passes(20)
    await phone.answers("oui")
    await arrest.until(lambda i: not i.unseen(), "the recall seen")
    assert not await second.seated()
    await phone.expects("Répondez OUI")
    await phone.answers(f"OUI {phone.code}")
    await second.until(lambda i: any(i.active()), "the seat")
