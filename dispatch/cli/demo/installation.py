"""The demo's installation: a broker, database and folder of its own, whatever the environment says, and people."""

import csv
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp

from dispatch.cli.demo.clocked_tasks import ClockedTasks
from dispatch.cli.demo.emergency_calls import Call, Calls
from dispatch.cli.demo.phones import PhoneOwners
from dispatch.cli.demo.population import COLUMNS, population
from dispatch.cli.demo.story import Story
from dispatch.cli.demo.temporary_folder import temporary_folder
from dispatch.clock import MovableClock
from dispatch.config import token_secret
from dispatch.domain.places.service_area import Area
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.runtime import embedded_services
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.node import Node
from dispatch.runtime.roles import ROLES
from dispatch.runtime.wiring import Wiring
from dispatch.services.access import keys, organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.people import roster_import
from dispatch.services.plans.plan_files import load
from dispatch.storage.migrate import migrate

LEAD = timedelta(seconds=30)
"""How long before the first call the clock starts."""
READY_S = 60.0
MARGIN_DEG = 0.05
WAKE_AFTER_S = 0.03
"""The clock waits for the loops, which may wait for each other."""
DUTY = [DutyContact(f"Supervisor {n}", f"+3363998990{n}", "en") for n in (1, 2, 3)]


@dataclass(slots=True)
class DemoInstallation:
    """A running installation with an organisation and its volunteers."""

    organisation: UUID
    node: Node
    services: Embedded
    clock: MovableClock
    tasks: ClockedTasks
    owners: PhoneOwners
    http: aiohttp.ClientSession
    reporter_key: str


@asynccontextmanager
async def install(chosen: Calls, size: int, seed: int) -> AsyncIterator[DemoInstallation]:
    """Set up everything for some calls and `size` volunteers; the clock stands still until it is moved."""
    calls = chosen.calls
    with temporary_folder() as folder:
        async with embedded_services.embedded(folder, postgres=True, broker=True, durable=False) as services:
            clock = MovableClock(calls[0].received_at - LEAD)
            tasks = ClockedTasks(clock)
            gateway = SimulatedGateway()
            node = Node(_wiring(folder, services, gateway), clock)
            await migrate(node.wiring.dsn)
            await node.start()
            try:
                while not await node.until_ready(READY_S):
                    pass
                organisation = await _create_organisation(node.uow, chosen, size, seed)
                reporter = await keys.create(
                    node.uow, organisation=organisation, scopes=["reports:write"], holder="demo"
                )
                async with aiohttp.ClientSession(node.wiring.links) as http:
                    owners = await _owners(node, tasks, http, organisation, seed, ZoneInfo(chosen.zone))
                    gateway.on_message = owners.on_message
                    yield DemoInstallation(organisation, node, services, clock, tasks, owners, http, reporter)
                    await tasks.stop()
            finally:
                await node.stop()


def _wiring(folder: Path, services: Embedded, gateway: SimulatedGateway) -> Wiring:
    if services.postgres is None or services.broker is None:
        msg = "the demo needs its own broker and database"
        raise ValueError(msg)
    listener = _listener()
    port = listener.getsockname()[1]
    return Wiring(
        dsn=services.postgres.url(),
        cluster=Cluster(services.broker.address, embedded=True, woken=True),
        host="127.0.0.1",
        port=port,
        listener=listener,
        links=f"http://127.0.0.1:{port}",
        secret=token_secret(folder),
        intake=Intake(load(None)),
        gateways=GatewayRegistry([gateway]),
        # The demo's own checks verify at the end what the auditor verifies all the time.
        roles=[role for role in ROLES if role != "auditor"],
        wake_after_s=WAKE_AFTER_S,
    )


def _listener() -> socket.socket:
    """Return a socket on a port that no other demo gets."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


async def _create_organisation(uow: UnitOfWork, chosen: Calls, size: int, seed: int) -> UUID:
    """Create the organisation, its duty contacts and its volunteers."""
    organisation = await organisations.create(uow, chosen.name, chosen.zone, area(chosen.calls))
    await organisations.set_duty(uow, organisation, DUTY)
    prepared = await roster_import.examine(uow, organisation, _roster_file(chosen.calls, size, seed))
    await roster_import.apply(uow, prepared, confirmed=True)
    return organisation


async def _owners(
    node: Node,
    tasks: ClockedTasks,
    http: aiohttp.ClientSession,
    organisation: UUID,
    seed: int,
    zone: ZoneInfo,
) -> PhoneOwners:
    """Create the owners of the simulated phones; supervisors act with a key of their own."""
    scopes = ["console:read", "console:act"]
    key = await keys.create(node.uow, organisation=organisation, scopes=scopes, holder="duty supervisor")
    rng = Random(seed)  # noqa: S311 - simulated behaviour is no secret
    return PhoneOwners(node.pool, node.clock, tasks, http, key, rng, zone, Story(zone))


def _roster_file(calls: Sequence[Call], size: int, seed: int) -> str:
    """Return the volunteers as the CSV file that an organisation would import."""
    file = StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(population(calls, size, seed, today=calls[0].received_at.date()))
    return file.getvalue()


def area(calls: Sequence[Call]) -> Area:
    """Return the bounding box of the calls, with a margin."""
    lats, lons = [call.lat for call in calls], [call.lon for call in calls]
    box = Area(min(lats), min(lons), max(lats), max(lons))
    return replace(
        box, south=box.south - MARGIN_DEG, west=box.west - MARGIN_DEG, north=box.north + MARGIN_DEG,
        east=box.east + MARGIN_DEG,
    )  # fmt: skip
