"""Fault conditions: each holds while its block runs and is removed at its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg

from dispatch.embedded import EmbeddedPostgres
from tests.storm.rig.gateway import Behaviour
from tests.storm.rig.proxy import Proxy
from tests.storm.rig.system import System
from tests.storm.rig.workers import ROLES, SPARE

Condition = Callable[[System], AbstractAsyncContextManager[None]]

CATCH_UP_S = 3.0
SKEW = "+30s"
SKEWED = ("api", "incidents", "agenda", "notifications", "relay")
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
TERMINATE_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'renfort%'
"""
READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
WRITABLE = "ALTER SYSTEM RESET default_transaction_read_only"
RELOAD = "SELECT pg_reload_conf()"


@asynccontextmanager
async def nothing(_system: System) -> AsyncIterator[None]:
    """Inject nothing: the row to compare the others with."""
    yield


@asynccontextmanager
async def killed(system: System, *, role: str) -> AsyncIterator[None]:
    """Kill the process of a role (SIGKILL); start it again at the end."""
    system.workers.by_name[role].kill()
    yield
    system.workers.start(role)


@asynccontextmanager
async def frozen(system: System, *, role: str) -> AsyncIterator[None]:
    """Freeze the process of a role (SIGSTOP); resume it at the end (SIGCONT)."""
    worker = system.workers.by_name[role]
    worker.freeze()
    try:
        yield
    finally:
        worker.thaw()


@asynccontextmanager
async def rolling(system: System) -> AsyncIterator[None]:
    """Restart every process gracefully, two roles at a time."""
    for pair in zip(ROLES[::2], ROLES[1::2], strict=True):
        await asyncio.gather(*(system.workers.restart(role) for role in pair))
    await system.workers.restart(SPARE)
    yield


@asynccontextmanager
async def skewed(system: System) -> AsyncIterator[None]:
    """Set the wall clock of some processes half a minute ahead of the others."""
    settings = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": SKEW, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    await asyncio.gather(*(system.workers.restart(role, **settings) for role in SKEWED))
    yield
    await asyncio.gather(*(system.workers.restart(role) for role in SKEWED))


@asynccontextmanager
async def broker_killed(system: System, *, node: int) -> AsyncIterator[None]:
    """Kill a broker; restart it on its data at the end."""
    system.cluster.kill(node)
    yield
    await asyncio.to_thread(system.cluster.restart, node)


@asynccontextmanager
async def broker_frozen(system: System, *, node: int) -> AsyncIterator[None]:
    """Freeze a broker, whose connections stay open; resume it at the end."""
    system.cluster.pause(node)
    try:
        yield
    finally:
        system.cluster.resume(node)


@asynccontextmanager
async def one_broker_after_another(system: System) -> AsyncIterator[None]:
    """Kill a broker, restart it, and kill another one once the first has caught up."""
    async with broker_killed(system, node=1):
        await asyncio.sleep(CATCH_UP_S)
    await asyncio.sleep(CATCH_UP_S)
    async with broker_killed(system, node=2):
        yield


@asynccontextmanager
async def kafka_replaced(system: System) -> AsyncIterator[None]:
    """Replace the three brokers by empty ones with another cluster id."""
    await asyncio.to_thread(system.cluster.replace)
    yield


@asynccontextmanager
async def postgres_restarted(system: System) -> AsyncIterator[None]:
    """Stop the database gracefully; start it at the end."""
    await system.postgres.stop()
    yield
    await system.postgres.start()


@asynccontextmanager
async def postgres_killed(system: System) -> AsyncIterator[None]:
    """Kill the database as a crash does; start it at the end."""
    await _crash(system.postgres)
    yield
    await system.postgres.start()


@asynccontextmanager
async def sessions_terminated(system: System) -> AsyncIterator[None]:
    """Terminate every session of the product, including the relays' with their locks."""
    await system.pool.execute(TERMINATE_SESSIONS)
    yield


@asynccontextmanager
async def read_only(system: System) -> AsyncIterator[None]:
    """Make the database reject writes, as a demoted server does."""
    await _administer(system, READ_ONLY, RELOAD)
    yield
    await _administer(system, WRITABLE, RELOAD)


@asynccontextmanager
async def disk_full(system: System) -> AsyncIterator[None]:
    """Fill the disk of the database; start the database again if it exited."""
    assert system.disk is not None
    await asyncio.to_thread(system.disk.fill)
    yield
    system.disk.make_room()
    if system.postgres.pid is None:
        await system.postgres.start()


@asynccontextmanager
async def gateway_behaves(system: System, *, behaviour: Behaviour) -> AsyncIterator[None]:
    """Set the behaviour of the gateway."""
    system.gateway.behaviour = behaviour
    yield
    system.gateway.behaviour = "normal"


@asynccontextmanager
async def proxied(
    system: System, *, which: Callable[[System], Sequence[Proxy]], harm: Callable[[Proxy], None]
) -> AsyncIterator[None]:
    """Disturb the connections to a service; restore them at the end."""
    for proxy in which(system):
        harm(proxy)
    yield
    for proxy in which(system):
        proxy.heal()


def disk_unavailable(system: System) -> str:
    """Return why the disk cannot be filled on this machine; empty if it can."""
    return "" if system.disk else "only root can mount a small file system"


def faketime_unavailable(_system: System) -> str:
    """Return why clocks cannot differ on this machine; empty if they can."""
    return "" if FAKETIME else "no libfaketime: apt-get install libfaketime (Debian, Ubuntu)"


async def _crash(postgres: EmbeddedPostgres) -> None:
    postgres.kill()
    await postgres.wait()


async def _administer(system: System, *statements: str) -> None:
    connection = await asyncpg.connect(
        system.postgres.url(), server_settings={"default_transaction_read_only": "off"}
    )
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def kafka_proxies(system: System) -> Sequence[Proxy]:
    """Return the proxies of all brokers."""
    return system.cluster.proxies


def one_kafka_proxy(system: System) -> Sequence[Proxy]:
    """Return the proxy of one broker."""
    return system.cluster.proxies[:1]


def postgres_proxies(system: System) -> Sequence[Proxy]:
    """Return the proxy of the database."""
    return [system.postgres_proxy]


def gateway_proxies(system: System) -> Sequence[Proxy]:
    """Return the proxy of the gateway."""
    return [system.gateway_proxy]


disconnected = partial(proxied, harm=Proxy.cut)
blackholed = partial(proxied, harm=Proxy.blackhole)
slowed = partial(proxied, harm=partial(Proxy.slow, seconds=0.1))
