"""Answers to offers that reach HTTP from programs and from gateways' webhooks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.domain.builders import watch_plan
from tests.http.site import Site, call_by_form, call_by_get, problem_fields
from tests.support.scene import phone

UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"


async def test_an_answer_from_a_program_fills_a_seat(site: Site) -> None:
    incident = await site.scene.incident()
    offer = await site.scene.offer(0, incident)
    key = await site.key("gateway:app")
    url = f"/v1/offers/{offer.id}/answer"
    response = await site.client.post(url, json={"answer": "accepted"}, headers=key)
    assert response.status_code == 202
    await site.scene.process_replies()
    assert len((await site.scene.read(incident.id)).assignments) == 1
    bad = await site.client.post(url, json={"answer": "perhaps"}, headers=key)
    assert bad.status_code == 422
    assert problem_fields(bad) == {"answer"}


async def test_an_answer_from_a_program_says_when_the_volunteer_arrives(site: Site) -> None:
    incident = await site.scene.incident()
    offer = await site.scene.offer(0, incident)
    key = await site.key("gateway:app")
    url = f"/v1/offers/{offer.id}/answer"
    body = {"answer": "accepted", "eta_minutes": 12}
    assert (await site.client.post(url, json=body, headers=key)).status_code == 202
    await site.scene.process_replies()
    (assignment,) = (await site.scene.read(incident.id)).assignments.values()
    assert assignment.eta_at == site.scene.now + timedelta(minutes=12)
    bad = await site.client.post(url, json={"answer": "accepted", "eta_minutes": 0}, headers=key)
    assert problem_fields(bad) == {"eta_minutes"}


async def test_a_watch_notice_rejects_the_answer_on_scene(site: Site) -> None:
    offer = await site.scene.offer(0, await site.scene.incident(watch_plan()))
    key = await site.key("gateway:app")
    url = f"/v1/offers/{offer.id}/answer"
    response = await site.client.post(url, json={"answer": "on_scene"}, headers=key)
    assert response.status_code == 409
    problem_fields(response)


@pytest.mark.parametrize("call", [call_by_get, call_by_form])
async def test_a_text_that_a_gateway_sends_twice_counts_once(site: Site, call: Callable[..., Any]) -> None:
    await site.scene.offer(0)
    key = await site.gateway_key()
    values = {"id": "k1", "from": phone(0), "text": "OUI", "charset": "UTF-8"}
    for _ in range(2):
        response = await call(site, "inbound", values, key)
        assert (response.status_code, response.content) == (202, b"")
    assert await site.count("replies") == 1


async def test_a_text_from_an_unknown_phone_is_stored(site: Site) -> None:
    key = await site.gateway_key()
    values = {"id": "k1", "from": phone(99), "text": "OUI", "charset": "UTF-8"}
    assert (await call_by_get(site, "inbound", values, key)).status_code == 202
    assert (await site.count("inbound_texts"), await site.count("replies")) == (1, 0)


@pytest.mark.parametrize(
    ("path", "values", "field"),
    [
        ("inbound", {"from": phone(0), "text": "OUI"}, "id"),
        ("inbound", {"id": "1", "from": phone(0), "text": "OUI", "charset": "UTF-16BE"}, "charset"),
        ("receipts", {"message": "nonsense", "status": "1"}, "message"),
        ("receipts", {"message": UNKNOWN_ID, "status": "x"}, "status"),
    ],
)
async def test_a_malformed_webhook_call_is_parked_and_accepted(
    site: Site, path: str, values: dict[str, str], field: str
) -> None:
    key = await site.gateway_key()
    response = await call_by_get(site, path, values, key)
    assert (response.status_code, response.content) == (202, b"")
    reason = await site.scene.uow.pool.fetchval("SELECT reason FROM parking")
    assert reason.startswith(f"{field}: ")


async def test_a_receipt_of_an_unknown_message_is_accepted(site: Site) -> None:
    key = await site.gateway_key()
    response = await call_by_get(site, "receipts", {"message": str(uuid4()), "status": "1", "reply": ""}, key)
    assert response.status_code == 202


async def test_a_wrong_key_in_the_query_is_rejected(site: Site) -> None:
    assert (await call_by_get(site, "inbound", {}, "rk_nonsense")).status_code == 401
    other = await site.gateway_key("other")
    assert (await call_by_get(site, "inbound", {}, other)).status_code == 403


async def test_a_gateway_that_is_not_configured_is_not_found(site: Site) -> None:
    for path in ("inbound", "receipts"):
        response = await site.client.post(
            f"/v1/gateways/other/{path}", data={"id": "1"}, headers=await site.key("gateway:other")
        )
        assert response.status_code == 404
        problem_fields(response)
        assert "other" in response.json()["detail"]


async def test_a_gateway_whose_provider_makes_no_such_calls_has_no_webhook(site: Site) -> None:
    for path in ("inbound", "receipts"):
        response = await site.client.post(
            f"/v1/gateways/mute/{path}", data={"id": "1"}, headers=await site.key("gateway:mute")
        )
        assert (response.status_code, response.json()["detail"]) == (404, f"the gateway mute has no {path}")
    assert await site.count("parking") == 0


@pytest.mark.parametrize(
    ("encoded", "outcome"),
    [
        ("text=d%E9sol%E9+non&charset=ISO-8859-1", "declined"),
        ("text=d%E9sol%E9+non&charset=WINDOWS-1252", "declined"),
        ("text=d%E9sol%E9+non", "declined"),
        ("text=d%C3%A9sol%C3%A9+non&charset=UTF-8", "declined"),
        ("text=d%C3%A9sol%C3%A9+non&charset=ISO-8859-1", "declined"),
        ("text=je+n%92arrive+pas&charset=windows-1252", None),
    ],
)
@pytest.mark.parametrize("form", [False, True])
async def test_a_text_in_latin_1_is_understood(
    site: Site, encoded: str, outcome: str | None, *, form: bool
) -> None:
    await site.scene.offer(0)
    assert (await call_encoded(site, encoded, form=form)).status_code == 202
    row = await site.scene.uow.pool.fetchrow("SELECT text, outcome FROM inbound_texts")
    assert row is not None
    assert row["text"] in ("désolé non", "je n’arrive pas")
    assert outcome in (None, row["outcome"])


@pytest.mark.parametrize(
    "encoded",
    ["text=d%82sol%82+oui", "text=d%E9sol%E9+oui&charset=UTF-8", "text=%FFoui&charset=8-BIT", "text=oui%81"],
)
@pytest.mark.parametrize("form", [False, True])
async def test_a_text_in_an_unknown_character_set_is_parked_with_its_bytes(
    site: Site, encoded: str, *, form: bool
) -> None:
    await site.scene.offer(0)
    assert (await call_encoded(site, encoded, form=form)).status_code == 202
    assert (await site.count("replies"), await site.count("inbound_texts")) == (0, 0)
    parked = await site.scene.uow.pool.fetchrow("SELECT reason, body FROM parking")
    assert parked is not None
    assert parked["reason"].startswith("text: ")
    assert encoded.partition("&")[0] in parked["body"].decode()


async def test_a_receipt_whose_remark_is_unreadable_still_counts(site: Site) -> None:
    key = await site.gateway_key()
    encoded = f"message={uuid4()}&status=1&reply=re%E7u%82&key={key}"
    response = await site.client.get(f"/v1/gateways/kannel/receipts?{encoded}")
    assert (response.status_code, await site.count("parking")) == (202, 0)


async def test_a_key_that_is_no_text_is_rejected(site: Site) -> None:
    response = await site.client.get("/v1/gateways/kannel/inbound?key=%82%FF")
    assert response.status_code == 401


async def call_encoded(site: Site, encoded: str, *, form: bool) -> httpx.Response:
    """Call the webhook of texts with parameters that are encoded already."""
    values = f"id=k1&from=%2B{phone(0)[1:]}&{encoded}&key={await site.gateway_key()}"
    url = "/v1/gateways/kannel/inbound"
    if not form:
        return await site.client.get(f"{url}?{values}")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await site.client.post(url, content=values.encode(), headers=headers)
