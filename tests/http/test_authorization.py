"""API keys: what each scope opens, and what another organisation sees."""

from dataclasses import dataclass
from typing import Any, cast

import asyncpg
import httpx
import pytest

from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from producers.http import stream
from producers.http.app import build
from tests.http.routes import BODIES, IDS, KEYLESS, REST, ROUTES, SCOPES, UNKNOWN_ID
from tests.http.site import Site, problem_fields, report_body
from tests.support.scene import Scene

SERVED = {route: scopes for route, scopes in ROUTES.items() if route != ("GET", "/v1/stream")}
"""The routes whose response ends: the tests of the stream have its own."""
EACH_ROUTE = pytest.mark.parametrize("route", SERVED.items(), ids=lambda item: " ".join(item[0]))
Route = tuple[tuple[str, str], set[str]]


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


@dataclass
class Neighbour:
    """Another organisation, and what it knows of the first: the ids of one of each thing."""

    site: Site
    scene: Scene
    ids: dict[str, str]

    @property
    def known(self) -> list[str]:
        """Return the ids alone."""
        return [self.ids[name] for name in IDS]

    async def request(self, route: tuple[str, str], key: dict[str, str]) -> httpx.Response:
        method, path = route
        url = path.format_map(self.ids)
        return await self.site.client.request(method, url, headers=key, json=BODIES.get(route))

    async def state(self) -> list[httpx.Response]:
        """Return what a supervisor of the first organisation sees."""
        key = await self.site.key("admin")
        incident = self.ids["incident_id"]
        paths = (f"/v1/incidents/{incident}", "/v1/escalations", "/v1/volunteers", "/v1/duty-contacts")
        return [(await self.site.client.get(path, headers=key)).json() for path in paths]


@pytest.fixture
async def neighbour(site: Site) -> Neighbour:
    incident = await site.scene.incident()
    offer = await site.scene.offer(0, incident)
    reporter = await site.key("reports:write")
    accepted = await site.client.post("/v1/reports", json=report_body(site), headers=reporter)
    await site.scene.act(incident.id, "escalate")
    (escalation,) = (await site.scene.read(incident.id)).escalations
    member = await site.scene.member(site.scene.people[0])
    found = (accepted.json()["report_id"], incident.id, escalation, offer.id, member)
    ids = dict(zip(IDS, map(str, found), strict=True)) | REST
    return Neighbour(site, await Scene.open(site.scene.uow, 0, name="Mairie"), ids)


def test_every_route_is_in_the_table_of_scopes() -> None:
    uow = UnitOfWork(cast("asyncpg.Pool", None), Clock())
    extra = [stream.router(uow)]
    app = build(uow, gateways=GatewayRegistry(()), secret=b"", readiness=dict, extra=extra)
    paths = app.openapi()["paths"].items()
    assert {
        (method.upper(), path) for path, methods in paths for method in methods
    } == ROUTES.keys() | KEYLESS


@EACH_ROUTE
async def test_a_key_opens_only_the_routes_of_its_scopes(site: Site, route: Route) -> None:
    (method, template), admitted = route
    path = template.format_map(dict.fromkeys(IDS, UNKNOWN_ID) | REST)
    for scope in SCOPES:
        response = await site.client.request(method, path, headers=await site.key(scope))
        assert (response.status_code == 403) == (scope not in admitted), scope
    assert (await site.client.request(method, path)).status_code == 401


async def test_a_key_of_another_organisation_finds_and_changes_nothing(neighbour: Neighbour) -> None:
    before = await neighbour.state()
    for scope in SCOPES:
        key = await neighbour.site.key(scope, scene=neighbour.scene)
        for (method, template), admitted in SERVED.items():
            response = await neighbour.request((method, template), key)
            cell = f"{scope}: {method} {template}"
            if scope not in admitted:
                assert response.status_code == 403, cell
            elif any(name in template for name in IDS):
                assert response.status_code == 404, cell
                problem_fields(response)
            assert not any(id_ in response.text for id_ in neighbour.known), cell
    assert await neighbour.state() == before
