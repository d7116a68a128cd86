"""The stage: three brokers, a database, a gateway, proxies before all of them, and the processes between."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

import aiohttp
import asyncpg

from dispatch.cli.embedded import EmbeddedPostgres
from dispatch.clock import Clock
from dispatch.config import token_secret
from dispatch.services import keys, organisations, volunteers
from dispatch.services.engine import Engine
from dispatch.services.organisations import DutyContact
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from schemas.base import Position
from tests.kafka.cluster import free_ports
from tests.scene import a_volunteer
from tests.storm import disk
from tests.storm.brokers import ProxiedCluster
from tests.storm.disk import SmallDisk
from tests.storm.gateway import Gateway
from tests.storm.people import PATIENCE_S, People
from tests.storm.proxy import Proxy
from tests.storm.team import Team

PLANS = Path(__file__).with_name("plans")
VOLUNTEERS = 400
READY_PATIENCE_S = 120
HOLDERS = {
    "control-room": ["reports:write"],
    "Ada": ["console:read", "console:act"],
    "kannel": ["gateway:kannel"],
}
SEATED_SINCE = """
    SELECT extract(epoch FROM min(a.assigned_at))::float8
    FROM assignments a JOIN incidents i ON i.id = a.incident_id JOIN reports r ON r.id = i.report_id
    WHERE r.source_id = ANY ($1::text[])
"""
LATEST_ENTRY = """
    SELECT coalesce(extract(epoch FROM max(settled_at - expires_at)), 0)::float8 FROM offers
    WHERE status = 'expired' AND settled_at >= to_timestamp($1)
"""
FIRST_MESSAGES = """
    SELECT r.source_id, array_agg(m.id) FROM reports r JOIN incidents i ON i.report_id = r.id
    JOIN messages m ON m.incident_id = i.id AND m.recipient_kind = 'volunteer'
    WHERE r.source_id = ANY ($1::text[]) GROUP BY 1
"""


@dataclass
class Stage:
    """Everything that a fault may touch."""

    cluster: ProxiedCluster
    postgres: EmbeddedPostgres
    disk: SmallDisk | None
    gateway: Gateway
    database_line: Proxy
    gateway_line: Proxy
    door: Proxy
    team: Team
    people: People
    engine: Engine

    @property
    def pool(self) -> asyncpg.Pool:
        """Give connections past the proxy, for those who look on."""
        return self.engine.pool

    async def seated(self, since: float) -> float | None:
        """Tell when the first report that was first made since a moment had somebody seated."""
        names = [report.source_id for report in self.people.reports if report.first_at >= since]
        found: float | None = await self.pool.fetchval(SEATED_SINCE, names)
        return found

    async def moves(self, since: float, patience_s: float) -> float | None:
        """Wait until work moves again; return after how many seconds, or None where it did not in time."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            try:
                if (at := await self.seated(since)) is not None:
                    return at - since
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pass
            await asyncio.sleep(0.1)
        return None

    async def waits(self, first: int) -> list[float]:
        """Tell, for each report after the first so many, the seconds from its caller to its first message."""
        asked = {report.source_id: report.first_at for report in self.people.reports[first:]}
        arrived: dict[UUID, float] = {}
        for text in self.gateway.texts:
            arrived.setdefault(text.message_id, text.at)
        rows = await self.pool.fetch(FIRST_MESSAGES, list(asked))
        firsts = [(name, [arrived[id_] for id_ in ids if id_ in arrived]) for name, ids in rows]
        return [min(times) - asked[name] for name, times in firsts if times]

    async def latest_entry(self, since: float) -> float:
        """Tell by how many seconds the latest expiry came late."""
        return float(await self.pool.fetchval(LATEST_ENTRY, since))


@asynccontextmanager
async def set_up(folder: Path, seed: int) -> AsyncIterator[Stage]:
    """Start everything, in the order in which it depends on each other, and end it in the other."""
    async with AsyncExitStack() as stack:
        cluster = ProxiedCluster(folder / "kafka")
        stack.callback(cluster.stop)
        await asyncio.to_thread(cluster.start)
        small = _small_disk(stack, folder)
        home = small.folder if small else folder
        ports = free_ports(9)
        postgres = EmbeddedPostgres(home / "postgres", port=ports[0])
        await stack.enter_async_context(postgres)
        await migrate(postgres.url())
        pool = await open_pool(postgres.url(), application="storm")
        stack.callback(pool.terminate)
        engine = Engine(pool, Clock())
        await engine.clock.sample(pool)
        made = await _found(engine)

        gateway = Gateway(ports[1], seed)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        listening = dict(zip(("api", "console", "spare"), ports[2:5], strict=True))
        lines = {
            "database": Proxy(ports[5], [ports[0]]),
            "gateway": Proxy(ports[6], [ports[1]]),
            "door": Proxy(ports[7], [listening["api"], listening["spare"]]),
        }
        for proxy in (*cluster.proxies, *lines.values()):
            await proxy.start()
            stack.push_async_callback(proxy.stop)

        door = f"http://127.0.0.1:{ports[7]}"
        environment = {
            "DISPATCH_KAFKA": cluster.bootstrap,
            "DISPATCH_POSTGRES": postgres.url().replace(f":{ports[0]}/", f":{ports[5]}/"),
            "DISPATCH_DATA": str(folder / "data"),
            "DISPATCH_PLANS": str(PLANS),
            "DISPATCH_REPLICATION": "3",
            "DISPATCH_MIN_INSYNC": "2",
            "DISPATCH_PUBLIC_URL": door,
            "DISPATCH_KANNEL_URL": gateway.url.replace(f":{ports[1]}/", f":{ports[6]}/"),
            "DISPATCH_KANNEL_USERNAME": "renfort",
            "DISPATCH_KANNEL_PASSWORD": "storm",
            "DISPATCH_KANNEL_SENDER": "20010",
            "DISPATCH_KANNEL_KEY": made["kannel"],
        }
        token_secret(folder / "data")
        team = Team(folder, environment, listening)
        stack.push_async_callback(team.stop)
        team.start_all()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        http = await stack.enter_async_context(aiohttp.ClientSession(door, timeout=timeout))
        people = People(http, pool, made, Random(seed))
        stack.push_async_callback(people.stop)
        gateway.on_text = people.on_text
        yield Stage(cluster, postgres, small, gateway, lines["database"], lines["gateway"], lines["door"],
                    team, people, engine)  # fmt: skip


def _small_disk(stack: AsyncExitStack, folder: Path) -> SmallDisk | None:
    if disk.why_not():
        return None
    small = SmallDisk(folder)
    small.mount()
    stack.callback(small.unmount)
    return small


async def _found(engine: Engine) -> dict[str, str]:
    """Found an organisation with people around and two on duty; return the keys by their holders."""
    organisation = await organisations.create(engine, "SDIS 75")
    random = Random(0)
    homes = [
        Position(lat=48.85 + random.uniform(-0.02, 0.02), lon=2.35 + random.uniform(-0.02, 0.02))
        for _ in range(VOLUNTEERS)
    ]
    bodies = [a_volunteer(number, position=home) for number, home in enumerate(homes)]
    await volunteers.enrol(engine, organisation, bodies)
    contacts = [DutyContact(f"Supervisor {n}", f"+336399890{n}0") for n in range(2)]
    await organisations.set_duty(engine, organisation, contacts)
    return {
        who: await keys.create(engine, organisation=organisation, scopes=scopes, holder=who)
        for who, scopes in HOLDERS.items()
    }
