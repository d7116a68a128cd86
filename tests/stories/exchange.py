"""A city whose phones are connected to a real Kannel, configured as its guide says."""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import aiohttp
from prometheus_client import REGISTRY
from pydantic import HttpUrl, SecretStr

from dispatch.clock import MovableClock
from dispatch.config import Settings
from dispatch.embedded import EmbeddedBroker
from dispatch.gateways.simulated.client import Phone, SimulatedGateway
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.node import Node
from dispatch.runtime.roles import ROLES
from dispatch.runtime.wiring import wiring
from dispatch.services.access import keys, organisations
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import OutboundText
from dispatch.storage.pool import open_pool
from tests.contract.kannel import PASSWORD, USERNAME, Kannel
from tests.stories.city import AREA, HOLDERS, City
from tests.stories.waiting import PATIENCE_S, eventually

HOOKS = "https://CHANGE-THIS-PUBLIC-ADDRESS/v1/gateways/kannel"
SENT = "SELECT count(*) FROM messages WHERE status IN ('sent', 'delivered')"
CALLS = "renfort_http_seconds_count"
STATUSES = "SELECT status, count(*) FROM messages GROUP BY status"


class FarPhones(SimulatedGateway):
    """The texts on the phones behind Kannel, with their parts joined; it sends nothing."""

    def __init__(self, kannel: Kannel) -> None:
        super().__init__()
        self._kannel = kannel

    def phone(self, number: str) -> Phone:
        texts, begun = [], ""
        for arrival in self._kannel.arrivals():
            if arrival.to == number:
                begun += arrival.text
                if arrival.last:
                    texts.append(begun)
                    begun = ""
        return Phone(number, [OutboundText(UUID(int=n), "sms", number, text) for n, text in enumerate(texts)])

    def total(self) -> int:
        """Count the texts on all phones."""
        return sum(arrival.last for arrival in self._kannel.arrivals())


@dataclass
class Exchange:
    """The city and the Kannel of its phones."""

    city: City
    kannel: Kannel
    phones: FarPhones

    async def arrived(self) -> None:
        """Wait until each text that was sent has arrived once."""

        async def all_there() -> bool:
            return bool(self.phones.total() == await self.city.node.pool.fetchval(SENT))

        await self.city.calm()
        await eventually(all_there, "each text on its phone")

    async def says(self, number: str, text: str) -> None:
        """Send a text from a phone, once no other text is in transit: the simulated network drops texts when busy."""
        await self.arrived()
        self.kannel.say(number, text)

    async def statuses(self) -> dict[str, int]:
        """Count the messages by status."""
        return {row["status"]: row["count"] for row in await self.city.node.pool.fetch(STATUSES)}

    async def becomes(self, statuses: dict[str, int]) -> None:
        """Wait until the messages have exactly these statuses."""

        async def so() -> bool:
            return await self.statuses() == statuses

        await eventually(so, f"messages: {statuses}")

    async def told(self, path: str, expected: int, **query: str) -> None:
        """Call a webhook as Kannel does."""
        async with self.city.http.get(f"/v1/gateways/kannel/{path}", params=query) as answer:
            assert (answer.status, path) == (expected, path), await answer.text()

    def calls(self, path: str, status: int) -> float:
        """Count the calls of a webhook in this process that got this status."""
        labels = {"method": "GET", "route": f"/v1/gateways/{{name}}/{path}", "status": str(status)}
        return REGISTRY.get_sample_value(CALLS, labels) or 0


@asynccontextmanager
async def exchange(
    dsn: str, folder: Path, clock: MovableClock, changes: Mapping[str, str] | None = None
) -> AsyncIterator[Exchange]:
    """Create the keys, start Kannel with its key, then the node with its settings."""
    address = f"127.0.0.1:{_free_port()}"
    organisation, made = await _found(dsn, clock)
    ours = {HOOKS: f"http://{address}/v1/gateways/kannel", "CHANGE-THIS-KEY": made["kannel"]}
    kannel = Kannel(folder, ours | dict(changes or {}))
    try:
        kannel.start()
        settings = _settings(dsn, folder, address)
        async with (
            _environment(kannel, made["kannel"]),
            _services(folder) as services,
            _node(settings, services, clock) as node,
            aiohttp.ClientSession(node.wiring.links) as http,
        ):
            phones = FarPhones(kannel)
            yield Exchange(City(node, services, clock, phones, http, organisation, made), kannel, phones)
    finally:
        kannel.stop()


@asynccontextmanager
async def _environment(kannel: Kannel, key: str) -> AsyncIterator[None]:
    """Set the variables of Kannel's settings."""
    variables = {"URL": kannel.url, "USERNAME": USERNAME, "PASSWORD": PASSWORD, "SENDER": "20010", "KEY": key}
    with patch.dict(os.environ, {f"DISPATCH_KANNEL_{name}": value for name, value in variables.items()}):
        yield


@asynccontextmanager
async def _services(folder: Path) -> AsyncIterator[Embedded]:
    async with EmbeddedBroker(folder) as broker:
        yield Embedded(None, broker)


@asynccontextmanager
async def _node(settings: Settings, services: Embedded, clock: MovableClock) -> AsyncIterator[Node]:
    roles = [role for role in ROLES if role != "auditor"]
    node = Node(wiring(settings, services, print, roles, migrates=False), clock)
    await node.start()
    try:
        assert await node.until_ready(PATIENCE_S), node.ready()
        yield node
    finally:
        await node.stop()


async def _found(dsn: str, clock: MovableClock) -> tuple[UUID, dict[str, str]]:
    async with await open_pool(dsn, application="tests") as pool:
        uow = UnitOfWork(pool, clock)
        organisation = await organisations.create(uow, "SDIS 75", area=AREA)
        holders = HOLDERS | {"kannel": ["gateway:kannel"]}
        made = {
            who: await keys.create(uow, organisation=organisation, scopes=scopes, holder=who)
            for who, scopes in holders.items()
        }
    return organisation, made


def _settings(dsn: str, folder: Path, address: str) -> Settings:
    return Settings(
        postgres=SecretStr(dsn),
        data=folder,
        http=address,
        public_url=HttpUrl(f"http://{address}"),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
