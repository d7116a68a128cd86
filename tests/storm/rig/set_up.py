"""Start the system: brokers, a database, a gateway, a proxy before each, and the processes of the product."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp

from dispatch.clock import Clock
from dispatch.config import token_secret
from dispatch.embedded import EmbeddedPostgres
from dispatch.services.access import keys, organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import volunteers
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from schemas.base import Position
from tests.kafka.support.cluster import free_ports
from tests.storm.rig import disk
from tests.storm.rig.brokers import ProxiedCluster
from tests.storm.rig.disk import SmallFileSystem
from tests.storm.rig.gateway import Gateway
from tests.storm.rig.participants import PATIENCE_S, Participants
from tests.storm.rig.proxy import HOST, Proxy
from tests.storm.rig.system import System
from tests.storm.rig.workers import HTTP, Workers
from tests.support.scene import a_volunteer

PLANS = Path(__file__).parents[1] / "plans"
VOLUNTEERS = 160
HOLDERS = {
    "control-room": ["reports:write"],
    "Ada": ["console:read", "console:act"],
    "kannel": ["gateway:kannel"],
}
PORTS = ("postgres", "gateway", "postgres proxy", "gateway proxy", "api proxy", *HTTP)

Ports = dict[str, int]


@asynccontextmanager
async def set_up(folder: Path, seed: int) -> AsyncIterator[System]:
    """Start everything in the order of dependence; stop it in the reverse order."""
    async with AsyncExitStack() as stack:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        cluster = ProxiedCluster(folder / "kafka")
        stack.callback(cluster.stop)
        await asyncio.to_thread(cluster.start)
        small = _small_file_system(stack, folder)
        postgres = EmbeddedPostgres((small.folder if small else folder) / "postgres", port=ports["postgres"])
        uow = await _database(stack, postgres)
        made = await _found(uow)
        gateway = Gateway(ports["gateway"], seed)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        postgres_proxy, gateway_proxy, api_proxy = await _proxies(stack, cluster, ports)
        workers = Workers(folder, _environment(folder, cluster, postgres, ports, made["kannel"]), ports)
        stack.callback(workers.kill)
        workers.start_all()
        people = await _people(stack, uow, made, Random(seed), f"http://{HOST}:{api_proxy.port}")
        gateway.on_text = people.on_text
        yield System(cluster, postgres, small, gateway, postgres_proxy, gateway_proxy, workers, people, uow)


def _small_file_system(stack: AsyncExitStack, folder: Path) -> SmallFileSystem | None:
    if disk.skip_reason():
        return None
    small = SmallFileSystem(folder)
    small.mount()
    stack.callback(small.unmount)
    return small


async def _database(stack: AsyncExitStack, postgres: EmbeddedPostgres) -> UnitOfWork:
    """Start the database with fsync on; return access that bypasses the proxy, for the checks."""
    await stack.enter_async_context(postgres)
    await migrate(postgres.url())
    pool = await open_pool(postgres.url(), application="storm")
    stack.callback(pool.terminate)
    uow = UnitOfWork(pool, Clock())
    await uow.clock.sample(pool)
    return uow


async def _found(uow: UnitOfWork) -> dict[str, str]:
    """Create an organisation with volunteers and two duty contacts; return the keys by holder."""
    organisation = await organisations.create(uow, "SDIS 75")
    random = Random(0)
    homes = [
        Position(lat=48.85 + random.uniform(-0.02, 0.02), lon=2.35 + random.uniform(-0.02, 0.02))
        for _ in range(VOLUNTEERS)
    ]
    bodies = [a_volunteer(number, position=home) for number, home in enumerate(homes)]
    await volunteers.register_all(uow, organisation, bodies)
    contacts = [DutyContact(f"Supervisor {n}", f"+336399890{n}0") for n in range(2)]
    await organisations.set_duty(uow, organisation, contacts)
    return {
        who: await keys.create(uow, organisation=organisation, scopes=scopes, holder=who)
        for who, scopes in HOLDERS.items()
    }


async def _proxies(
    stack: AsyncExitStack, cluster: ProxiedCluster, ports: Ports
) -> tuple[Proxy, Proxy, Proxy]:
    """Start a proxy before the database, one before the gateway, and one before the two processes with the API."""
    lines = (
        Proxy(ports["postgres proxy"], [ports["postgres"]]),
        Proxy(ports["gateway proxy"], [ports["gateway"]]),
        Proxy(ports["api proxy"], [ports["api"], ports["spare"]]),
    )
    for proxy in (*cluster.proxies, *lines):
        await proxy.start()
        stack.push_async_callback(proxy.stop)
    return lines


def _environment(
    folder: Path, cluster: ProxiedCluster, postgres: EmbeddedPostgres, ports: Ports, kannel_key: str
) -> dict[str, str]:
    token_secret(folder / "data")
    return {
        "DISPATCH_KAFKA": cluster.bootstrap,
        "DISPATCH_POSTGRES": postgres.url().replace(f":{ports['postgres']}/", f":{ports['postgres proxy']}/"),
        "DISPATCH_DATA": str(folder / "data"),
        "DISPATCH_PLANS": str(PLANS),
        "DISPATCH_REPLICATION": "3",
        "DISPATCH_MIN_INSYNC": "2",
        "DISPATCH_PUBLIC_URL": f"http://{HOST}:{ports['api proxy']}",
        "DISPATCH_KANNEL_URL": f"http://{HOST}:{ports['gateway proxy']}/cgi-bin/sendsms",
        "DISPATCH_KANNEL_USERNAME": "renfort",
        "DISPATCH_KANNEL_PASSWORD": "storm",
        "DISPATCH_KANNEL_SENDER": "20010",
        "DISPATCH_KANNEL_KEY": kannel_key,
    }


async def _people(
    stack: AsyncExitStack, uow: UnitOfWork, made: dict[str, str], random: Random, door: str
) -> Participants:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    http = await stack.enter_async_context(aiohttp.ClientSession(door, timeout=timeout))
    people = Participants(http, uow.pool, made, random)
    stack.push_async_callback(people.stop)
    return people
