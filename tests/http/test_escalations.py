"""Escalations over HTTP: acknowledge and resolve."""

from typing import Any

from dispatch.domain.supervising.escalation import Cause
from dispatch.services.incidents import escalations
from dispatch.storage.pool import transaction
from tests.http.site import Site


async def test_an_escalation_is_acknowledged_by_the_keys_holder(site: Site) -> None:
    incident = await site.scene.incident()
    await site.scene.act(incident.id, "escalate")
    key = await site.key("console:act", holder="Ada")
    (escalation,) = (await site.client.get("/v1/escalations", headers=key)).json()
    url = f"/v1/escalations/{escalation['id']}/acknowledge"
    assert (await site.client.post(url, headers=key)).status_code == 204
    (after,) = (await site.client.get("/v1/escalations", headers=key)).json()
    assert (after["status"], after["acknowledged_by"]) == ("acknowledged", "Ada")
    await site.scene.act(incident.id, "close")
    assert (await site.client.post(url, headers=key)).status_code == 409
    assert (await site.client.get("/v1/escalations", headers=key)).json() == []


async def test_a_resolved_system_escalation_stays_resolved_and_can_be_raised_again(site: Site) -> None:
    uow, organisation = site.scene.uow, site.scene.organisation
    cause = Cause("gateway:sms", 2, page=True)

    async def raise_escalation() -> dict[str, Any]:
        subject = escalations.system_subject(organisation)
        async with transaction(uow.pool) as connection:
            await escalations.escalate(connection, organisation, "system", subject, cause, site.scene.now)
        (escalation,) = (await site.client.get("/v1/escalations", headers=key)).json()
        return dict(escalation)

    key = await site.key("console:act", holder="Ada")
    first = await raise_escalation()
    url = f"/v1/escalations/{first['id']}"
    for _ in range(2):
        assert (await site.client.post(f"{url}/settle", headers=key)).status_code == 204
    assert (await site.client.get("/v1/escalations", headers=key)).json() == []
    assert (await site.client.post(f"{url}/acknowledge", headers=key)).status_code == 409
    bodies = await uow.pool.fetch("SELECT body FROM journal WHERE type = 'escalation.resolved.v1'")
    assert [b"resolved by Ada" in row["body"] for row in bodies] == [True]
    assert await uow.pool.fetch("SELECT FROM agenda WHERE subject_kind = 'system'") == []
    assert (await raise_escalation())["id"] != first["id"]


async def test_a_repeated_resolution_with_its_idempotency_key_gets_the_first_response(site: Site) -> None:
    key = await site.key("console:act")
    await site.client.post("/v1/pause", headers=key)
    (escalation,) = (await site.client.get("/v1/escalations", headers=key)).json()
    url, headers = f"/v1/escalations/{escalation['id']}/settle", key | {"Idempotency-Key": "settle-1"}
    assert (await site.client.post(url, headers=headers)).status_code == 204
    again = await site.client.post(url, headers=headers)
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (204, "true")


async def test_an_escalation_of_an_incident_is_resolved_only_through_the_incident(site: Site) -> None:
    incident = await site.scene.incident()
    await site.scene.act(incident.id, "escalate")
    key = await site.key("console:act")
    (escalation,) = (await site.client.get("/v1/escalations", headers=key)).json()
    refused = await site.client.post(f"/v1/escalations/{escalation['id']}/settle", headers=key)
    assert refused.status_code == 409
    assert "close it" in refused.json()["detail"]
    assert (await site.client.get("/v1/escalations", headers=key)).json() == [escalation]
