"""An HTTP application on a database of its own, its clients, and the bodies that they send."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from dispatch.domain.incident import Incident
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.runtime.http_server import HttpServer
from dispatch.services.access import keys
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import tokens
from dispatch.services.messaging.gateway import Capabilities
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.storage.pool import transaction
from producers.http.app import build
from schemas.offers import Channel
from tests.contract.kannel import gateway_to
from tests.domain.builders import PLACE
from tests.support.scene import Scene, phone

SECRET = b"s" * 32


class SendOnly(SimulatedGateway):
    """A gateway whose provider makes no webhook calls."""

    def __init__(self, name: str, *, channels: tuple[Channel, ...]) -> None:
        super().__init__(name, channels=channels)
        self.capabilities = Capabilities(channels)


GATEWAYS = GatewayRegistry([gateway_to("http://kannel"), SendOnly("mute", channels=("push",))])


@dataclass
class Site:
    """An application, its scene, and a client."""

    scene: Scene
    client: httpx.AsyncClient
    readiness: dict[str, bool]

    async def key(
        self, *scopes: str, holder: str = "Ada", scene: Scene | None = None, installation: bool = False
    ) -> dict[str, str]:
        """Create a key; return the header that presents it."""
        key = await keys.create(
            self.scene.uow, organisation=(scene or self.scene).organisation, scopes=scopes, holder=holder,
            installation=installation,
        )  # fmt: skip
        return {"Authorization": f"Bearer {key}"}

    async def gateway_key(
        self, name: str = "kannel", *, scene: Scene | None = None, installation: bool = False
    ) -> str:
        """Create a key of a gateway; return it as it stands in a query."""
        key = await self.key(f"gateway:{name}", scene=scene, installation=installation)
        return key["Authorization"].removeprefix("Bearer ")

    async def link(self, number: int = 0, incident: Incident | None = None) -> str:
        """Create the link that a volunteer gets with an offer; return its path."""
        offer = await self.scene.offer(number, incident)
        token = tokens.derive(SECRET, offer.id, 0)
        async with transaction(self.scene.uow.pool) as connection:
            await tokens.store(connection, token, offer.id, 0, self.scene.now)
        return f"/a/{token}"

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        return int(await self.scene.uow.pool.fetchval(f"SELECT count(*) FROM {table}"))


@asynccontextmanager
async def serve(uow: UnitOfWork, readiness: dict[str, bool]) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application; yield a client of it."""
    app = build(uow, gateways=GATEWAYS, secret=SECRET, readiness=lambda: readiness)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://renfort") as client:
        yield client


@asynccontextmanager
async def served(server: HttpServer) -> AsyncIterator[httpx.AsyncClient]:
    """Run a server on a free port; yield a client of it."""
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listening]))
    host, port = listening.getsockname()
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=20) as client:
        yield client
    server.should_exit = True
    await asyncio.wait_for(serving, 10)


def report_body(site: Site, **changes: object) -> dict[str, Any]:
    """Return the body of a valid report, with some changes."""
    return {
        "id": "call-1",
        "kind": "medical.cardiac_arrest",
        "severity": "life_threatening",
        "position": {"lat": PLACE.lat, "lon": PLACE.lon},
        "occurred_at": site.scene.now.isoformat(),
    } | changes


def volunteer_body(**changes: object) -> dict[str, Any]:
    """Return the body of a valid volunteer, with some changes."""
    return {
        "name": "Bob",
        "phone": phone(50),
        "skills": ["first_aid"],
        "position": {"lat": PLACE.lat, "lon": PLACE.lon},
        "birth_date": "1990-01-31",
        "consent": ["sms"],
    } | changes


def problem_fields(response: httpx.Response) -> set[str]:
    """Check that the response is a problem document; return the fields that it names."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    return {error["field"] for error in body.get("errors", ())}


async def call_by_get(site: Site, path: str, values: dict[str, str], key: str) -> httpx.Response:
    """Call a webhook as Kannel does: everything in the query, the key too."""
    return await site.client.get(f"/v1/gateways/kannel/{path}", params=values | {"key": key})


async def call_by_form(site: Site, path: str, values: dict[str, str], key: str) -> httpx.Response:
    """Call a webhook with a form, and the key in the header."""
    headers = {"Authorization": f"Bearer {key}"}
    return await site.client.post(f"/v1/gateways/kannel/{path}", data=values, headers=headers)


class StreamReader:
    """Reads server-sent events as a browser does."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        async with asyncio.timeout(30):
            return await self._next()

    async def _next(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(":")
            if line:
                fields[name] = value.removeprefix(" ")
                continue
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields or "" in fields:
                return fields
            fields = {}
        raise EOFError

    async def rest(self) -> None:
        while True:
            await self.next()

    async def subjects(self, count: int) -> list[str]:
        return [orjson.loads((await self.next())["data"])["subject"] for _ in range(count)]
