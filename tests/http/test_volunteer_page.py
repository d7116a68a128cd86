"""The volunteer's page: what it shows and which answers it stores."""

import re
from datetime import timedelta

import httpx
import pytest

from dispatch.clock import MovableClock
from dispatch.services.messaging import tokens
from producers.http.page.routes import unavailable
from tests.domain.builders import PLACE, plan, watch_plan
from tests.http.site import Site


async def press(site: Site, link: str, answer: str) -> httpx.Response:
    response = await site.client.post(link, data={"answer": answer})
    await site.scene.process_replies()
    return response


async def test_the_page_shows_what_is_asked_where_and_until_when(site: Site) -> None:
    response = await site.client.get(await site.link())
    assert response.status_code == 200
    for shown in (">SDIS 75</p>\n<h1>Essai", "à 50 m", "21:01:00", "Je viens"):
        assert shown in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    english = await site.client.get(f"{response.url.path}?lang=en")
    assert "I am coming" in english.text


async def test_the_page_follows_the_typography_of_its_language(site: Site) -> None:
    link = await site.link()
    french, english = [(await site.client.get(f"{link}?lang={lang}")).text for lang in ("fr", "en")]
    assert "<p>Où\u00a0: à 50 m</p>" in french
    assert "<p>Répondre avant\u00a0: <strong>" in french
    assert "<p>Where: 50 m away</p>" in english
    assert "<p>Answer before: <strong>" in english
    assert "<h1>Essai</h1>" in french


def shows_place(text: str) -> bool:
    """Return whether a page says exactly where the incident is, in its text or in a link."""
    return any(f"{part:.3f}" in text for part in (PLACE.lat, PLACE.lon))


async def test_the_exact_place_is_shown_from_a_yes_until_the_release(site: Site) -> None:
    link = await site.link()
    assert not shows_place((await site.client.get(link)).text)
    assert not shows_place((await press(site, link, "declined")).text)
    assert not shows_place((await site.client.get(link)).text)
    for answer, shown in (("accepted", True), ("en_route", True), ("on_scene", True), ("released", False)):
        received = await press(site, link, answer)
        assert shown or not shows_place(received.text), "not even until the answer is processed"
        assert shows_place((await site.client.get(link)).text) == shown, answer


@pytest.mark.parametrize("status", ["expired", "withdrawn"])
async def test_no_plan_shows_the_exact_place_to_those_who_were_asked_in_vain(
    site: Site, clock: MovableClock, status: str
) -> None:
    incident = await site.scene.incident(plan(place_when_asked=True))
    link = await site.link(0, incident)
    assert shows_place((await site.client.get(link)).text)
    if status == "expired":
        clock.advance(120)
    else:
        await site.scene.act(incident.id, "takeover")
    assert not shows_place((await site.client.get(link)).text)


async def test_the_way_is_shown_by_links_for_every_phone(site: Site) -> None:
    link = await site.link()
    await press(site, link, "accepted")
    text, at = (await site.client.get(link)).text, f"{PLACE.lat:.5f},{PLACE.lon:.5f}"
    assert f'href="https://maps.apple.com/?daddr={at}">iPhone' in text
    assert f'href="geo:{at}?q={at}">Android' in text
    assert f'href="https://www.openstreetmap.org/?mlat={PLACE.lat:.5f}&amp;mlon={PLACE.lon:.5f}' in text


@pytest.mark.parametrize("lang", ["fr", "en"])
async def test_a_crew_is_sent_to_its_station_and_never_to_the_fire(site: Site, lang: str) -> None:
    incident = await site.scene.incident(plan(engagement="crew", place_when_asked=True))
    link = await site.link(0, incident)
    station = {"fr": "Où\u00a0: à votre centre", "en": "Where: your station"}[lang]
    for answer in (None, "accepted", "en_route", "on_scene"):
        if answer:
            await press(site, link, answer)
        text = (await site.client.get(f"{link}?lang={lang}")).text
        assert station in text
        assert not shows_place(text)
        assert "50 m" not in text
        assert not re.search("sur place|on scene", text)


async def test_danger_asks_once_more_apart_from_the_other_answers(site: Site) -> None:
    link = await site.link()
    await press(site, link, "accepted")
    text = (await site.client.get(link)).text
    before, danger, after = re.split("<details>|</details>", text)
    assert "Je ne peux pas" in before
    assert 'value="danger"' not in before + after
    assert "<summary" in danger
    assert danger.index("DANGER : tout le monde attend") < danger.index(
        "recevront l&#39;ordre d&#39;attendre"
    )
    assert danger.index("recevront l&#39;ordre d&#39;attendre") < danger.index('value="danger"')


async def test_no_page_reloads_itself(site: Site) -> None:
    """A page that reloads takes the focus, and a screen reader begins it anew."""
    link = await site.link()
    pages = [(await site.client.get(link)).text, (await press(site, link, "accepted")).text]
    for text in (*pages, bytes(unavailable().body).decode()):
        assert "http-equiv" not in text
        assert 'href="?lang=fr"' in text


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
    assert 'data-refresh="2"' in received.text
    assert "Actualiser cette page" in received.text
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
    assert 'data-refresh=""' in done
    assert "Actualiser" not in done


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
    assert not shows_place(aborted)


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
    assert not shows_place(text)
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
