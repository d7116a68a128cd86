"""API keys: what each scope opens, and what another organisation sees."""

from typing import Any

import pytest

from tests.http.site import Site, problem_fields, report_body
from tests.support.scene import Scene


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer rk_000000000000_" + "0" * 40},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer é".encode()},
    ],
)
async def test_a_missing_or_forged_key_is_rejected(site: Site, headers: dict[str, Any]) -> None:
    response = await site.client.post("/v1/reports", json=report_body(site), headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    problem_fields(response)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_every_route_reads_the_key_in_the_same_way(site: Site, scheme: str) -> None:
    """A route that reads the header by itself once took a key without a scheme, and none in lower case."""
    key = (await site.key("admin", "gateway:kannel"))["Authorization"].split()[1]
    requests: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("POST", "/v1/pause", {}),
        ("POST", "/v1/pause", {"Idempotency-Key": "1"}),
        ("POST", f"/v1/offers/{UNKNOWN_ID}/answer", {}),
        ("GET", "/v1/gateways/kannel/receipts", {}),
    )
    for method, path, headers in requests:
        with_scheme = headers | {"Authorization": f"{scheme} {key}"}
        assert (await site.client.request(method, path, headers=with_scheme)).status_code != 401, path
        for wrong in (key, f"Basic {key}", f"Bearer{key}"):
            refused = headers | {"Authorization": wrong}
            assert (await site.client.request(method, path, headers=refused)).status_code == 401, path


SCOPES = {
    "reports:write",
    "console:read",
    "console:act",
    "volunteers:write",
    "gateway:kannel",
    "gateway:other",
    "admin",
}
CONSOLE_READERS = {"console:read", "console:act", "admin"}
CONSOLE_ACTORS = {"console:act", "admin"}
UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "admitted"),
    [
        ("POST", "/v1/reports", {"reports:write", "admin"}),
        ("GET", f"/v1/reports/{UNKNOWN_ID}", {"reports:write", *CONSOLE_READERS}),
        ("GET", "/v1/incidents", CONSOLE_READERS),
        ("GET", f"/v1/incidents/{UNKNOWN_ID}", CONSOLE_READERS),
        ("GET", f"/v1/incidents/{UNKNOWN_ID}/timeline", CONSOLE_READERS),
        ("POST", f"/v1/incidents/{UNKNOWN_ID}/abort", CONSOLE_ACTORS),
        ("GET", "/v1/escalations", CONSOLE_READERS),
        ("POST", f"/v1/escalations/{UNKNOWN_ID}/acknowledge", CONSOLE_ACTORS),
        ("POST", f"/v1/escalations/{UNKNOWN_ID}/settle", CONSOLE_ACTORS),
        ("POST", f"/v1/offers/{UNKNOWN_ID}/answer", {*CONSOLE_ACTORS, "gateway:kannel", "gateway:other"}),
        ("GET", "/v1/volunteers", CONSOLE_READERS),
        ("POST", "/v1/volunteers", {"volunteers:write", "admin"}),
        ("POST", "/v1/volunteers/import", {"volunteers:write", "admin"}),
        ("PATCH", f"/v1/volunteers/{UNKNOWN_ID}", {"volunteers:write", "admin"}),
        ("DELETE", f"/v1/volunteers/{UNKNOWN_ID}", {"volunteers:write", "admin"}),
        ("PUT", f"/v1/volunteers/{UNKNOWN_ID}/position", {"volunteers:write", "admin"}),
        ("GET", "/v1/duty-contacts", CONSOLE_READERS),
        ("PUT", "/v1/duty-contacts", CONSOLE_ACTORS),
        ("POST", "/v1/pause", CONSOLE_ACTORS),
        ("POST", "/v1/resume", CONSOLE_ACTORS),
        ("GET", "/v1/gateways/kannel/inbound", {"gateway:kannel"}),
        ("POST", "/v1/gateways/kannel/receipts", {"gateway:kannel"}),
    ],
)
async def test_a_key_opens_only_the_routes_of_its_scopes(
    site: Site, method: str, path: str, admitted: set[str]
) -> None:
    for scope in sorted(SCOPES):
        response = await site.client.request(method, path, headers=await site.key(scope))
        assert (response.status_code == 403) == (scope not in admitted), scope
    assert (await site.client.request(method, path)).status_code == 401


async def test_the_key_of_another_organisation_finds_nothing(site: Site) -> None:
    incident = await site.scene.incident()
    offer = await site.scene.offer(0, incident)
    accepted = await site.client.post(
        "/v1/reports", json=report_body(site), headers=await site.key("reports:write")
    )
    await site.scene.act(incident.id, "escalate")
    other = await Scene.open(site.scene.uow, 0, name="Mairie")
    key = await site.key("admin", "gateway:kannel", scene=other)
    (escalation,) = (await site.scene.read(incident.id)).escalations
    who = site.scene.people[0]
    for method, path, body in (
        ("GET", f"/v1/reports/{accepted.json()['report_id']}", None),
        ("GET", f"/v1/incidents/{incident.id}", None),
        ("GET", f"/v1/incidents/{incident.id}/timeline", None),
        ("POST", f"/v1/incidents/{incident.id}/abort", None),
        ("POST", f"/v1/escalations/{escalation}/acknowledge", None),
        ("POST", f"/v1/escalations/{escalation}/settle", None),
        ("POST", f"/v1/offers/{offer.id}/answer", {"answer": "accepted"}),
        ("PATCH", f"/v1/volunteers/{who}", {"availability": "unavailable"}),
        ("DELETE", f"/v1/volunteers/{who}", None),
        ("PUT", f"/v1/volunteers/{who}/position", {"lat": 48, "lon": 2}),
    ):
        response = await site.client.request(method, path, headers=key, json=body)
        assert response.status_code == 404, path
        problem_fields(response)
    for path in ("/v1/incidents", "/v1/escalations?open=false", "/v1/volunteers"):
        assert (await site.client.get(path, headers=key)).json() == []
    assert (await site.scene.read(incident.id)).status == "open"
