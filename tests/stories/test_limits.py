"""What Renfort never does: send a neighbourhood watch, page without consent for a drill, or ask after STOP."""

from tests.stories.city import PLACE, City, north
from tests.stories.conftest import QUIET_S

OFFER = "Venez-vous"
ARREST = "medical.cardiac_arrest"


async def test_a_watch_notice_sends_nobody_and_states_no_place(city: City) -> None:
    members = await city.enrol(4, skills=["watch"])
    city.clock.advance(QUIET_S)
    notice = await city.report(
        kind="watch.prowler", at=PLACE, description="Maison vide au 12 rue des Lilas, homme en rouge"
    )
    notified = await city.expect_sms_on(4, "Restez chez vous")
    for phone in notified:
        page = await phone.page()
        for text in (phone.inbox[0].text, page):
            for word in ("48.8", "2.35", "Lilas", "rouge", "100 m", "à 1"):
                assert word not in text
        assert 'value="accepted"' in page
        assert 'value="en_route"' not in page
    await notified[0].presses("en_route", expected=422)
    for phone in notified[:3]:
        await phone.answers("OUI")
        await phone.expects("n'intervenez pas")
    incident = await notice.until(lambda i: i.status == "closed", "everybody informed")
    assert {a.en_route_at for a in incident.assignments.values()} == {None}
    await members[3].expects("c'est terminé")


async def test_an_exercise_reaches_only_participants_in_drills_and_is_marked_as_one(city: City) -> None:
    (supervisor,) = await city.put_on_duty(1, drills=False)
    others = await city.enrol(3)
    players = await city.enrol(3, nearest=600, consent=["sms", "drills"])
    drill = await city.report(kind=ARREST, at=PLACE, mode="exercise")
    asked = await city.expect_sms_on(3, OFFER, among=players)
    assert all(phone.inbox[0].text.startswith("[EXERCICE]") for phone in asked)
    assert "[EXERCICE]" in await asked[0].page()
    await asked[0].presses("accepted")
    await asked[0].expects("[EXERCICE]", "on vous attend")
    await city.passes(91)
    await city.expect_escalation(level=2)
    assert not supervisor.inbox
    assert not any(phone.inbox for phone in others)
    await drill.supervisor("abort")
    await asked[0].expects("[EXERCICE] N'APPROCHEZ PAS")


async def test_a_drill_never_blocks_a_real_call(city: City) -> None:
    (phone,) = await city.enrol(1, consent=["sms", "drills"])
    drill = await city.report(kind=ARREST, at=PLACE, mode="exercise")
    await phone.expects("[EXERCICE]")
    await phone.answers("OUI")
    await phone.expects("[EXERCICE]", "on vous attend")
    real = await city.report(kind=ARREST, at=PLACE)
    await phone.expects(OFFER)
    await phone.answers(f"OUI {phone.code}")
    await real.until(lambda i: any(i.active()), "the real seat")
    await drill.until(lambda i: not any(i.active()), "the drill's seat released")


async def test_stop_ends_offers_but_not_the_safety_messages_of_a_running_assignment(
    city: City,
) -> None:
    (phone,) = await city.enrol(1)
    arrest = await city.report(kind=ARREST, at=PLACE)
    await phone.expects(OFFER)
    await phone.answers("OUI")
    await phone.expects("on vous attend")
    await phone.answers("STOP")
    await phone.expects("Vous ne recevrez plus de demandes", "sécurité")
    assert list(await arrest.seated()) == [phone]
    await city.report(kind=ARREST, at=north(20))
    await city.report(kind="watch.prowler", at=PLACE)
    await city.calm()
    assert len(phone.inbox) == 3
    await arrest.supervisor("abort")
    await phone.expects("N'APPROCHEZ PAS")


async def test_stop_ends_a_live_offer_and_the_next_volunteer_is_asked(city: City) -> None:
    near = await city.enrol(7)
    (next_one,) = await city.enrol(1, nearest=600)
    await city.report(kind=ARREST, at=PLACE)
    await city.expect_sms_on(7, OFFER, among=near)
    await near[0].answers("STOP")
    await next_one.expects(OFFER)
