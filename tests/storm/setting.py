"""Setting the stage: brokers, a database, a gateway, proxies before all of them, and the processes between."""

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
from tests.kafka.cluster import free_ports
from tests.storm import disk
from tests.storm.brokers import ProxiedCluster
from tests.storm.disk import SmallDisk
from tests.storm.gateway import Gateway
from tests.storm.people import PATIENCE_S, People
from tests.storm.proxy import HOST, Proxy
from tests.storm.stage import Stage
from tests.storm.team import HTTP, Team
from tests.support.scene import a_volunteer

PLANS = Path(__file__).with_name("plans")
VOLUNTEERS = 160
HOLDERS = {
    "control-room": ["reports:write"],
    "Ada": ["console:read", "console:act"],
    "kannel": ["gateway:kannel"],
}
PORTS = ("postgres", "gateway", "to postgres", "to gateway", "door", *HTTP)

Ports = dict[str, int]


@asynccontextmanager
async def set_up(folder: Path, seed: int) -> AsyncIterator[Stage]:
    """Start everything, in the order in which it depends on each other, and end it in the other."""
    async with AsyncExitStack() as stack:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        cluster = ProxiedCluster(folder / "kafka")
        stack.callback(cluster.stop)
        await asyncio.to_thread(cluster.start)
        small = _small_disk(stack, folder)
        postgres = EmbeddedPostgres((small.folder if small else folder) / "postgres", port=ports["postgres"])
        uow = await _database(stack, postgres)
        made = await _found(uow)
        gateway = Gateway(ports["gateway"], seed)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        to_postgres, to_gateway, door = await _lines(stack, cluster, ports)
        team = Team(folder, _environment(folder, cluster, postgres, ports, made["kannel"]), ports)
        stack.callback(team.kill)
        team.start_all()
        people = await _people(stack, uow, made, Random(seed), f"http://{HOST}:{door.port}")
        gateway.on_text = people.on_text
        yield Stage(cluster, postgres, small, gateway, to_postgres, to_gateway, team, people, uow)


def _small_disk(stack: AsyncExitStack, folder: Path) -> SmallDisk | None:
    if disk.why_not():
        return None
    small = SmallDisk(folder)
    small.mount()
    stack.callback(small.unmount)
    return small


async def _database(stack: AsyncExitStack, postgres: EmbeddedPostgres) -> UnitOfWork:
    """Start it, flushed to disk as in earnest; give a way past the proxy for those who look on."""
    await stack.enter_async_context(postgres)
    await migrate(postgres.url())
    pool = await open_pool(postgres.url(), application="storm")
    stack.callback(pool.terminate)
    uow = UnitOfWork(pool, Clock())
    await uow.clock.sample(pool)
    return uow


async def _found(uow: UnitOfWork) -> dict[str, str]:
    """Found an organisation with people around and two on duty; return the keys by their holders."""
    organisation = await organisations.create(uow, "SDIS 75")
    random = Random(0)
    homes = [
        Position(lat=48.85 + random.uniform(-0.02, 0.02), lon=2.35 + random.uniform(-0.02, 0.02))
        for _ in range(VOLUNTEERS)
    ]
    bodies = [a_volunteer(number, position=home) for number, home in enumerate(homes)]
    await volunteers.enrol(uow, organisation, bodies)
    contacts = [DutyContact(f"Supervisor {n}", f"+336399890{n}0") for n in range(2)]
    await organisations.set_duty(uow, organisation, contacts)
    return {
        who: await keys.create(uow, organisation=organisation, scopes=scopes, holder=who)
        for who, scopes in HOLDERS.items()
    }


async def _lines(stack: AsyncExitStack, cluster: ProxiedCluster, ports: Ports) -> tuple[Proxy, Proxy, Proxy]:
    """Put a proxy before the database, one before the gateway, and one before the two that serve the API."""
    lines = (
        Proxy(ports["to postgres"], [ports["postgres"]]),
        Proxy(ports["to gateway"], [ports["gateway"]]),
        Proxy(ports["door"], [ports["api"], ports["spare"]]),
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
        "DISPATCH_POSTGRES": postgres.url().replace(f":{ports['postgres']}/", f":{ports['to postgres']}/"),
        "DISPATCH_DATA": str(folder / "data"),
        "DISPATCH_PLANS": str(PLANS),
        "DISPATCH_REPLICATION": "3",
        "DISPATCH_MIN_INSYNC": "2",
        "DISPATCH_PUBLIC_URL": f"http://{HOST}:{ports['door']}",
        "DISPATCH_KANNEL_URL": f"http://{HOST}:{ports['to gateway']}/cgi-bin/sendsms",
        "DISPATCH_KANNEL_USERNAME": "renfort",
        "DISPATCH_KANNEL_PASSWORD": "storm",
        "DISPATCH_KANNEL_SENDER": "20010",
        "DISPATCH_KANNEL_KEY": kannel_key,
    }


async def _people(
    stack: AsyncExitStack, uow: UnitOfWork, made: dict[str, str], random: Random, door: str
) -> People:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    http = await stack.enter_async_context(aiohttp.ClientSession(door, timeout=timeout))
    people = People(http, uow.pool, made, random)
    stack.push_async_callback(people.stop)
    return people
