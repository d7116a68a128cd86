"""Offers for a cardiac arrest: the first volunteers, the next ones, and which answers count."""

from tests.stories.city import PLACE, City, north
from tests.stories.conftest import QUIET_S

OFFER = "Venez-vous"
ARREST = "medical.cardiac_arrest"


async def test_a_yes_by_text_and_a_yes_on_the_page_each_fill_a_seat(city: City) -> None:
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    by_text, on_page = await city.expect_sms_on(2, OFFER)
    await by_text.answers("OUI")
    await on_page.presses("accepted")
    incident = await arrest.until(lambda i: i.covered_at is not None, "two seats filled")
    assert {a.volunteer_id for a in incident.active()} == {by_text.volunteer_id, on_page.volunteer_id}
    await by_text.expects("on vous attend")
    await on_page.presses("en_route")
    await on_page.presses("on_scene")
    await arrest.until(lambda i: any(a.status == "on_scene" for a in i.active()), "somebody on scene")


async def test_the_nearest_seven_are_asked_first(city: City) -> None:
    near = await city.enrol(7)
    far = await city.enrol(5, nearest=600)
    await city.report(kind=ARREST, at=PLACE)
    await city.expect_sms_on(7, OFFER, among=near)
    await city.calm()
    assert not any(phone.inbox for phone in far)


async def test_a_decline_is_replaced_at_once(city: City) -> None:
    near = await city.enrol(7)
    next_one, *others = await city.enrol(3, nearest=600)
    await city.report(kind=ARREST, at=PLACE)
    await city.expect_sms_on(7, OFFER, among=near)
    await near[0].answers("NON")
    await next_one.expects(OFFER)
    await city.calm()
    assert not any(phone.inbox for phone in others)


async def test_a_late_yes_takes_a_seat_that_is_still_free(city: City) -> None:
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    phone = await city.expect_sms(OFFER)
    await city.passes(61)
    assert "expired" in {o.status for o in (await arrest.now()).offers.values()}
    await phone.answers("OUI")
    text = await phone.expects("on vous attend")
    assert text.startswith("Réponse tardive")
    assert set(await arrest.seated()) == {phone}


async def test_a_late_yes_is_thanked_where_the_seats_are_taken(city: City) -> None:
    await city.enrol(7)
    arrest = await city.report(kind=ARREST, at=PLACE)
    late, *prompt = await city.expect_sms_on(4, OFFER)
    await city.passes(50)
    for phone in prompt:
        await phone.answers("OUI")
    await arrest.until(lambda i: len(list(i.active())) == 3, "two seats and the reserve filled")
    await city.passes(15)
    await late.presses("accepted")
    await late.expects("Nous avons assez de monde")
    assert late not in await arrest.seated()


async def test_the_search_widens_when_too_few_are_near(city: City) -> None:
    await city.enrol(2)
    far = await city.enrol(2, nearest=1500)
    await city.report(kind=ARREST, at=PLACE)
    await city.expect_sms_on(2, OFFER, among=far)


async def test_two_incidents_at_one_place_in_one_batch_ask_different_people(city: City) -> None:
    await city.enrol(20)
    professional = {"requested": True, "reference": "15/1"}
    bodies = [
        {"id": f"twin-{n}", "kind": ARREST, "occurred_at": city.clock.now().isoformat(),
         "position": PLACE.model_dump(), "professional": professional}
        for n in range(2)
    ]  # fmt: skip
    await city.node.kafka.stop()
    answers = [await city.send(body) for body in bodies]
    city.node.kafka.start()
    twins = [await city.opened(answer, str(body["id"])) for answer, body in zip(answers, bodies, strict=True)]
    assert twins[0].id != twins[1].id
    await city.expect_sms_on(14, OFFER)
    await city.calm()
    asked = [{o.volunteer_id for o in (await twin.now()).offers.values()} for twin in twins]
    assert [len(one) for one in asked] == [7, 7]
    assert not asked[0] & asked[1]
    assert max(len(phone.inbox) for phone in city.people) == 1
    assert await city.node.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_a_text_without_a_code_gets_a_question_back_where_two_offers_are_live(city: City) -> None:
    (phone,) = await city.enrol(1, skills=["first_aid", "watch"])
    city.clock.advance(QUIET_S)
    notice = await city.report(kind="watch.prowler", at=PLACE)
    await phone.expects("Restez chez vous")
    arrest = await city.report(kind=ARREST, at=north(50))
    await phone.expects(OFFER)
    code = phone.code
    await phone.answers("OUI")
    question = await phone.expects("quelle demande")
    assert code in question
    await city.calm()
    assert not await arrest.seated()
    assert not await notice.seated()
    await phone.answers(f"oui {code.lower()}")
    await phone.expects("on vous attend")
    assert list(await arrest.seated()) == [phone]


async def test_the_same_webhook_call_twice_counts_as_one_answer(city: City) -> None:
    await city.enrol(2)
    await city.report(kind=ARREST, at=PLACE)
    phone = await city.expect_sms(OFFER)
    for _ in range(2):
        await phone.answers("OUI", provider_id="smsc-4711")
    await phone.expects("on vous attend")
    await city.calm()
    assert await city.node.pool.fetchval("SELECT count(*) FROM replies") == 1
    assert len(phone.inbox) == 2


async def test_a_text_from_an_unknown_phone_changes_nothing(city: City) -> None:
    await city.enrol(2)
    arrest = await city.report(kind=ARREST, at=PLACE)
    phone = await city.expect_sms(OFFER)
    form = {"id": "stranger-1", "from": "+33639989999", "text": f"OUI {phone.code}"}
    await city.call("POST", "/v1/gateways/simulated/inbound", "gateway", data=form, expected=202)
    await city.calm()
    assert not await arrest.seated()
    assert not city.gateway.phone("+33639989999").inbox


async def test_a_yes_that_the_next_text_takes_back_is_asked_about_and_ends_after_a_minute(city: City) -> None:
    await city.enrol(8)
    arrest = await city.report(kind=ARREST, at=PLACE)
    sure, doubtful = await city.expect_sms_on(2, OFFER)
    await sure.answers("OUI")
    await doubtful.answers("je peux")
    await doubtful.expects("on vous attend")
    await doubtful.answers("pas venir")
    await doubtful.expects("Votre réponse n'est pas claire")
    await city.expect_escalation(reason="answer_doubtful")
    assert set(await arrest.seated()) == {sure, doubtful}
    await city.passes(61)
    await doubtful.expects("plus besoin de vous")
    assert set(await arrest.seated()) == {sure}
