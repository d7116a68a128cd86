"""Writes with an `Idempotency-Key`."""

from tests.http.site import Site, problem_fields, report_body


async def test_a_write_with_an_idempotency_key_is_performed_once(site: Site) -> None:
    key = await site.key("gateway:app") | {"Idempotency-Key": "once"}
    offer = await site.scene.offer(0)
    url = f"/v1/offers/{offer.id}/answer"
    first = await site.client.post(url, json={"answer": "accepted"}, headers=key)
    second = await site.client.post(url, json={"answer": "accepted"}, headers=key)
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await site.count("replies") == 1
    other = await site.client.post(url, json={"answer": "declined"}, headers=key)
    assert other.status_code == 409
    problem_fields(other)


async def test_a_rejected_write_may_be_repeated_with_its_idempotency_key(site: Site) -> None:
    incident = await site.scene.incident()
    key = await site.key("console:act") | {"Idempotency-Key": "again"}
    url = f"/v1/incidents/{incident.id}/resume"
    assert (await site.client.post(url, headers=key)).status_code == 409
    await site.scene.act(incident.id, "hold")
    assert (await site.client.post(url, headers=key)).status_code == 200


async def test_two_clients_may_choose_the_same_idempotency_key(site: Site) -> None:
    for holder in ("codis", "mairie"):
        key = await site.key("reports:write", holder=holder) | {"Idempotency-Key": "same"}
        response = await site.client.post("/v1/reports", json=report_body(site), headers=key)
        assert "Idempotency-Replayed" not in response.headers
    assert await site.count("reports") == 2


async def test_an_idempotency_key_grants_no_scope(site: Site) -> None:
    headers = await site.key("console:read") | {"Idempotency-Key": "x"}
    assert (await site.client.post("/v1/pause", headers=headers)).status_code == 403
    assert (await site.client.post("/v1/pause", headers={"Idempotency-Key": "x"})).status_code == 401
