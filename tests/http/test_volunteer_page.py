"""The volunteer's page: what it shows and which answers it stores."""

from datetime import timedelta

import httpx

from dispatch.clock import MovableClock
from dispatch.services.messaging import tokens
from tests.domain.builders import PLACE, watch_plan
from tests.http.site import Site


async def press(site: Site, link: str, answer: str) -> httpx.Response:
    response = await site.client.post(link, data={"answer": answer})
    await site.scene.process_replies()
    return response


async def test_the_page_shows_what_is_asked_where_and_until_when(site: Site) -> None:
    response = await site.client.get(await site.link())
    assert response.status_code == 200
    for shown in ("Essai", "50 m", f"geo:{PLACE.lat:.5f},{PLACE.lon:.5f}", "21:01:00", "Je viens"):
        assert shown in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    english = await site.client.get(f"{response.url.path}?lang=en")
    assert "I am coming" in english.text


async def test_the_page_follows_the_typography_of_its_language(site: Site) -> None:
    link = await site.link()
    french, english = [(await site.client.get(f"{link}?lang={lang}")).text for lang in ("fr", "en")]
    assert "<p>Où\u00a0: à 50 m," in french
    assert "<p>Répondre avant\u00a0: <strong>" in french
    assert "<p>Where: 50 m away," in english
    assert "<p>Answer before: <strong>" in english
    assert "<h1>Essai</h1>" in french


async def test_opening_the_page_stores_no_answer(site: Site) -> None:
    link = await site.link()
    for path in (link, f"{link}?answer=accepted"):
        await site.client.get(path)
    assert await site.count("replies") == 0


async def test_the_page_follows_the_volunteer_from_acceptance_to_release(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    received = await press(site, link, "accepted")
    assert "Réponse bien reçue" in received.text
    assert 'http-equiv="refresh" content="2;' in received.text
    assigned = (await site.client.get(link)).text
    assert "On vous attend" in assigned
    assert "Réponse bien reçue" not in assigned
    for answer, button in (("en_route", "Je suis sur place"), ("on_scene", "J&#39;ai terminé")):
        await press(site, link, answer)
        assert button in (await site.client.get(link)).text
    await press(site, link, "released")
    done = (await site.client.get(link)).text
    assert "C&#39;est terminé pour vous" in done
    assert "<form" not in done
    assert "refresh" not in done


async def test_a_volunteer_who_declined_may_still_accept(site: Site) -> None:
    link = await site.link()
    await press(site, link, "declined")
    assert "Vous ne venez pas" in (await site.client.get(link)).text
    await press(site, link, "accepted")
    assert "On vous attend" in (await site.client.get(link)).text


async def test_a_hold_is_shown_first_until_it_is_acknowledged(site: Site, clock: MovableClock) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await press(site, link, "accepted")
    await site.scene.act(incident.id, "hold")
    held = (await site.client.get(link)).text
    assert held.index("ATTENDEZ") < held.index("<h1>")
    assert "J&#39;ai vu ce message" in held
    assert "Je pars" not in held
    clock.advance(1)
    await press(site, link, "acknowledged")
    seen = (await site.client.get(link)).text
    assert "ATTENDEZ" in seen
    assert "J&#39;ai vu ce message" not in seen
    await site.scene.act(incident.id, "resume")
    assert "Je pars" in (await site.client.get(link)).text


async def test_a_hold_that_is_over_needs_no_acknowledgement(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await site.scene.act(incident.id, "hold")
    await site.scene.act(incident.id, "resume")
    text = (await site.client.get(link)).text
    assert "J&#39;ai vu ce message" not in text
    assert "ATTENDEZ" not in text


async def test_after_an_abort_the_page_shows_the_warning_alone(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await site.scene.act(incident.id, "abort")
    aborted = (await site.client.get(link)).text
    assert aborted.index("APPROCHEZ PAS") < aborted.index("<h1>")
    assert aborted.count("<form") == 1
    assert "geo:" not in aborted


async def test_the_answer_danger_holds_the_incident(site: Site) -> None:
    incident = await site.scene.incident()
    link = await site.link(0, incident)
    await press(site, link, "accepted")
    await press(site, link, "danger")
    assert (await site.scene.read(incident.id)).status == "held"


async def test_a_watch_notice_shows_no_place_and_asks_nobody_to_come(site: Site) -> None:
    incident = await site.scene.incident(watch_plan())
    link = await site.link(0, incident)
    text = (await site.client.get(link)).text
    assert "geo:" not in text
    assert "Je viens" not in text
    assert "Restez chez vous" in text
    assert (await site.client.post(link, data={"answer": "en_route"})).status_code == 422
    await press(site, link, "accepted")
    assert "Je pars" not in (await site.client.get(link)).text


async def test_the_page_of_an_exercise_is_marked_as_one(site: Site) -> None:
    incident = await site.scene.incident(mode="exercise")
    assert "<h1>[EXERCICE] Essai</h1>" in (await site.client.get(await site.link(0, incident))).text


async def test_after_the_deadline_the_page_still_accepts_a_yes(site: Site, clock: MovableClock) -> None:
    link = await site.link()
    clock.advance(120)
    assert "Je viens" in (await site.client.get(link)).text
    assert "Réponse bien reçue" in (await site.client.post(link, data={"answer": "accepted"})).text


async def test_an_unknown_answer_is_not_stored(site: Site) -> None:
    link = await site.link()
    for data in ({"answer": "perhaps"}, {"reply": "accepted"}, {}):
        response = await site.client.post(link, data=data)
        assert response.status_code == 422
        assert "text/html" in response.headers["content-type"]
    assert await site.count("replies") == 0


async def test_forged_revoked_and_expired_tokens_get_the_same_page(site: Site, clock: MovableClock) -> None:
    incident = await site.scene.incident()
    revoked, old = await site.link(0, incident), await site.link(1, incident)
    await tokens.revoke(site.scene.uow, (await site.scene.offer(0, incident)).id)
    await site.scene.act(incident.id, "close")
    clock.advance(timedelta(hours=25).total_seconds())
    pages = [
        await site.client.request(method, path, data={"answer": "accepted"})
        for method in ("GET", "POST")
        for path in (revoked, old, "/a/" + "A" * 17, "/a/x", "/a/%00", "/a/" + "é" * 17)
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "plus valable" in pages[0].text
    assert "no longer valid" in pages[0].text
    assert "Essai" not in pages[0].text
    assert await site.count("replies") == 0
