"""The city of the stories: a node on real services, phones in memory, and a clock that only the story moves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

import aiohttp

from dispatch.clock import MovableClock
from dispatch.domain.places.service_area import Area
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.runtime import embedded_services
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.node import Node
from dispatch.runtime.roles import ROLES, Role
from dispatch.runtime.wiring import Wiring
from dispatch.services.access import keys, organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway import OutboundText
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.people import volunteers
from dispatch.services.plans.plan_files import PlanBook, load
from dispatch.services.subscriptions import READERS
from schemas.base import Position
from schemas.plans import Plan
from schemas.volunteers import VolunteerBody
from tests.stories.phones import Handset
from tests.stories.reported import Reported
from tests.stories.waiting import PATIENCE_S, eventually

PLACE = Position(lat=48.85, lon=2.35)
AREA = Area(south=48.0, west=1.5, north=49.5, east=3.5)
METRES_PER_DEGREE = 111_320
SECRET = b"a secret of the stories, 32 bytes"
HOLDERS = {
    "control-room": ["reports:write"],
    "neighbour": ["reports:write"],
    "Ada": ["console:read", "console:act"],
    "gateway": ["gateway:simulated"],
}
UNFINISHED_WORK = """
SELECT (SELECT count(*) FROM outbox) AS outbox,
       (SELECT count(*) FROM reports WHERE incident_id IS NULL) AS reports,
       (SELECT count(*) FROM replies WHERE processed_at IS NULL) AS replies,
       (SELECT count(*) FROM messages
        WHERE status = 'leased' OR status = 'queued' AND due_at <= $1) AS messages,
       (SELECT count(*) FROM agenda a JOIN organisations o ON o.id = a.organisation
        WHERE due_at <= $1 AND NOT (kind IN ('consider', 'waiting') AND o.paused_at IS NOT NULL)) AS agenda,
       (SELECT count(*) FROM journal j JOIN unnest($2::text[], $3::text[]) AS r (topic, consumer)
            USING (topic)
        WHERE NOT EXISTS (SELECT FROM inbox i
                          WHERE i.consumer = r.consumer AND i.event_id = j.event_id)) AS unread
"""


def north(metres: float) -> Position:
    """Return the position so many metres north of the incidents."""
    return Position(lat=PLACE.lat + metres / METRES_PER_DEGREE, lon=PLACE.lon)


@dataclass
class City:
    """One organisation, its people with their phones, and the node that calls them."""

    node: Node
    services: Embedded
    clock: MovableClock
    gateway: SimulatedGateway
    http: aiohttp.ClientSession
    organisation: UUID
    keys: dict[str, str]
    people: list[Handset] = field(default_factory=list)
    duty: list[Handset] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        dsn: str,
        services: Embedded,
        clock: MovableClock,
        *,
        later: str = "",
        absent: Sequence[Role] = (),
        write_generation: int | None = None,
        plans: Sequence[Plan] = (),
    ) -> AsyncIterator["City"]:
        """Start the node, with an organisation that has keys and nobody on its roster.

        `later` is where Kafka will be, in a story in which it is absent at first; no process has the roles `absent`.
        `plans` are in force beside those that are shipped.
        """
        gateway = SimulatedGateway()
        bootstrap = services.broker.address if services.broker else later
        roles = [role for role in ROLES if role not in absent]
        wiring = _wiring(dsn, bootstrap, gateway, roles, write_generation, plans)
        node = Node(wiring, clock)
        await node.start()
        stopping = asyncio.Event()
        care = asyncio.create_task(embedded_services.supervise(services, node.kafka, stopping))
        try:
            assert later or await node.until_ready(PATIENCE_S), node.ready()
            organisation = await organisations.create(node.uow, "SDIS 75", area=AREA)
            made = {
                who: await keys.create(node.uow, organisation=organisation, scopes=scopes, holder=who)
                for who, scopes in HOLDERS.items()
            }
            async with aiohttp.ClientSession(node.wiring.links) as http:
                yield cls(node, services, clock, gateway, http, organisation, made)
        finally:
            stopping.set()
            await node.stop()
            care.cancel()
            await asyncio.gather(care, return_exceptions=True)

    @asynccontextmanager
    async def another_process(self, *roles: Role) -> AsyncIterator[None]:
        """Run one more process with these roles."""
        wiring = self.node.wiring
        more = _wiring(wiring.dsn, wiring.cluster.bootstrap, self.gateway, roles, wiring.write_generation)
        node = Node(replace(more, links=wiring.links), self.clock)
        await node.start()
        try:
            assert await node.until_ready(PATIENCE_S), node.ready()
            yield
        finally:
            await node.stop()

    async def enrol(self, people: int, *, nearest: float = 100, **body: object) -> list[Handset]:
        """Register volunteers, each ten metres farther away than the last; return their phones."""
        first = len(self.people)
        numbers = [f"+3363998{first + n:04d}" for n in range(people)]
        known = {"skills": ["first_aid"], "birth_date": "1990-01-31", "consent": ["sms"]}
        bodies = [
            VolunteerBody.model_validate(
                known | {"name": f"Camille {n}", "phone": phone, "position": north(nearest + 10 * n)} | body
            )
            for n, phone in enumerate(numbers)
        ]
        ids = await volunteers.register_all(self.node.uow, self.organisation, bodies)
        phones = [Handset(self, number, who) for number, who in zip(numbers, ids, strict=True)]
        self.people += phones
        return phones

    async def put_on_duty(self, supervisors: int, *, drills: bool = False) -> list[Handset]:
        """Set the duty contacts; return the supervisors' phones in that order."""
        numbers = [f"+3363998990{n}" for n in range(supervisors)]
        contacts = [DutyContact(f"Supervisor {n}", phone, drills=drills) for n, phone in enumerate(numbers)]
        await organisations.set_duty(self.node.uow, self.organisation, contacts)
        self.duty = [Handset(self, number) for number in numbers]
        return self.duty

    async def report(
        self,
        kind: str,
        at: Position | None = PLACE,
        *,
        by: str = "control-room",
        reference: str | None = "15/1",
        **more: object,
    ) -> Reported:
        """Submit a report and wait for its incident."""
        body = {
            "id": f"R-{next(self.numbers)}",
            "kind": kind,
            "occurred_at": self.clock.now().isoformat(),
            "position": at and at.model_dump(),
            "professional": {"requested": reference is not None, "reference": reference},
        } | more
        return await self.opened(await self.send(body, by), str(body["id"]), by)

    async def send(self, body: Mapping[str, object], by: str = "control-room") -> dict[str, Any]:
        """Submit a report; return the response."""
        answer: dict[str, Any] = await self.call("POST", "/v1/reports", by, json=body, expected=202)
        return answer

    async def opened(self, answer: dict[str, Any], source_id: str, by: str = "control-room") -> Reported:
        """Wait for the incident of a report."""

        async def found() -> str | None:
            status = await self.call("GET", answer["status_url"], by)
            return status["incident_id"]  # type: ignore[no-any-return]

        incident_id = UUID(await eventually(found, "the incident of a report"))
        return Reported(self, incident_id, source_id, answer)

    async def expect_sms(self, *words: str, among: Sequence[Handset] | None = None) -> Handset:
        """Wait until a phone gets a message with all the words; return the phone."""
        (phone,) = await self.expect_sms_on(1, *words, among=among)
        return phone

    async def expect_sms_on(
        self, phones: int, *words: str, among: Sequence[Handset] | None = None
    ) -> list[Handset]:
        """Wait until so many phones have an unread message with all the words; read it and return the phones."""
        asked = self.people if among is None else among
        assert phones <= len(asked)

        async def arrived() -> list[Handset]:
            found = [phone for phone in asked if phone.unread(*words)]
            return found if len(found) >= phones else []

        found = await eventually(arrived, f"{words} on {phones} phones")
        for phone in found[:phones]:
            phone.read(*words)
        return found[:phones]

    async def expect_escalation(self, *, level: int = 0, reason: str = "") -> dict[str, Any]:
        """Wait for an open escalation of at least this level."""

        async def arrived() -> dict[str, Any] | None:
            found = await self.call("GET", "/v1/escalations", "Ada")
            return next((e for e in found if e["level"] >= level and reason in ("", e["reason"])), None)

        found = await eventually(arrived, f"an escalation of level {level} {reason}")
        assert found is not None
        return found

    async def acknowledge(self, escalation: dict[str, Any]) -> None:
        """Acknowledge an escalation as the supervisor."""
        await self.call("POST", f"/v1/escalations/{escalation['id']}/acknowledge", "Ada", expected=204)

    async def unfinished_work(self) -> dict[str, int]:
        """Count the unfinished work, by kind."""
        topics, consumers = map(list, zip(*READERS, strict=True))
        return dict(await self.node.pool.fetchrow(UNFINISHED_WORK, self.clock.now(), topics, consumers) or {})

    async def calm(self, seconds: float = PATIENCE_S) -> None:
        """Wait until all work is done that does not need the clock to move."""
        left: dict[str, int] = {}

        async def done() -> bool:
            left.update(await self.unfinished_work())
            return not any(left.values())

        await eventually(done, "calm; what is left to do:", seconds, left)

    async def passes(self, seconds: float) -> None:
        """Finish all work, move the clock, and finish the work that follows."""
        await self.calm()
        self.clock.advance(seconds)
        await self.calm()

    async def call(
        self,
        method: str,
        path: str,
        holder: str,
        *,
        expected: int = 200,
        **request: Any,  # noqa: ANN401 - aiohttp's own
    ) -> Any:  # noqa: ANN401 - JSON
        """Call the API with the key of a holder; return the JSON of the response."""
        headers = {"Authorization": f"Bearer {self.keys[holder]}"}
        async with self.http.request(method, path, headers=headers, **request) as response:
            assert response.status == expected, (response.status, await response.text())
            return await response.json() if response.content_type == "application/json" else None

    def messages(self) -> list[OutboundText]:
        """Return all messages on the phones of volunteers."""
        return [message for phone in self.people for message in phone.inbox]


def _wiring(
    dsn: str,
    bootstrap: str,
    gateway: SimulatedGateway,
    roles: Sequence[Role],
    write_generation: int | None = None,
    plans: Sequence[Plan] = (),
) -> Wiring:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return Wiring(
        dsn=dsn,
        cluster=Cluster(bootstrap, embedded=True),
        host="127.0.0.1",
        port=port,
        links=f"http://127.0.0.1:{port}",
        secret=SECRET,
        intake=Intake(PlanBook((*load(None).plans, *plans))),
        gateways=GatewayRegistry([gateway]),
        # The auditor polls every ten real seconds, and would report each jump of the clock as lateness.
        roles=[role for role in roles if role != "auditor"],
        write_generation=write_generation,
    )
