"""What can be wrong with the stage: each condition holds while its block runs, and is mended at the end of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg

from dispatch.embedded import EmbeddedPostgres
from tests.storm.gateway import Manner
from tests.storm.proxy import Proxy
from tests.storm.stage import Stage
from tests.storm.team import ROLES, SPARE

Condition = Callable[[Stage], AbstractAsyncContextManager[None]]

CATCH_UP_S = 3.0
SKEW = "+30s"
SKEWED = ("api", "incidents", "agenda", "notifications", "relay")
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'renfort%'
"""
READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
WRITABLE = "ALTER SYSTEM RESET default_transaction_read_only"
HEED = "SELECT pg_reload_conf()"


@asynccontextmanager
async def nothing(_stage: Stage) -> AsyncIterator[None]:
    """Break nothing: the row to compare the others with."""
    yield


@asynccontextmanager
async def killed(stage: Stage, *, role: str) -> AsyncIterator[None]:
    """Kill the process of a role (SIGKILL), and start another one after."""
    stage.team.workers[role].kill()
    yield
    stage.team.start(role)


@asynccontextmanager
async def frozen(stage: Stage, *, role: str) -> AsyncIterator[None]:
    """Freeze the process of a role (SIGSTOP), and let it go on after (SIGCONT)."""
    worker = stage.team.workers[role]
    worker.freeze()
    try:
        yield
    finally:
        worker.thaw()


@asynccontextmanager
async def rolling(stage: Stage) -> AsyncIterator[None]:
    """Restart every process in its own order, two roles at a time."""
    for pair in zip(ROLES[::2], ROLES[1::2], strict=True):
        await asyncio.gather(*(stage.team.restart(role) for role in pair))
    await stage.team.restart(SPARE)
    yield


@asynccontextmanager
async def skewed(stage: Stage) -> AsyncIterator[None]:
    """Let some processes live half a minute ahead of the others, by the wall clock that they read."""
    settings = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": SKEW, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    await asyncio.gather(*(stage.team.restart(role, **settings) for role in SKEWED))
    yield
    await asyncio.gather(*(stage.team.restart(role) for role in SKEWED))


@asynccontextmanager
async def broker_killed(stage: Stage, *, node: int) -> AsyncIterator[None]:
    """Kill a broker, and start it again on its data after."""
    stage.cluster.kill(node)
    yield
    await asyncio.to_thread(stage.cluster.restart, node)


@asynccontextmanager
async def broker_frozen(stage: Stage, *, node: int) -> AsyncIterator[None]:
    """Freeze a broker, whose connections stand, and let it go on after."""
    stage.cluster.pause(node)
    try:
        yield
    finally:
        stage.cluster.resume(node)


@asynccontextmanager
async def one_broker_after_another(stage: Stage) -> AsyncIterator[None]:
    """Kill a broker, start it again, and kill another one once the first has caught up."""
    async with broker_killed(stage, node=1):
        await asyncio.sleep(CATCH_UP_S)
    await asyncio.sleep(CATCH_UP_S)
    async with broker_killed(stage, node=2):
        yield


@asynccontextmanager
async def forgotten(stage: Stage) -> AsyncIterator[None]:
    """Put three empty brokers with another cluster id in the place of those that there were."""
    await asyncio.to_thread(stage.cluster.replace)
    yield


@asynccontextmanager
async def postgres_restarted(stage: Stage) -> AsyncIterator[None]:
    """Stop the database in its own order, and start it after."""
    await stage.postgres.stop()
    yield
    await stage.postgres.start()


@asynccontextmanager
async def postgres_killed(stage: Stage) -> AsyncIterator[None]:
    """Kill the database as a crash does, and start it after."""
    await _crash(stage.postgres)
    yield
    await stage.postgres.start()


@asynccontextmanager
async def sessions_ended(stage: Stage) -> AsyncIterator[None]:
    """End every session of the product, the relays' and their locks included."""
    await stage.pool.execute(END_SESSIONS)
    yield


@asynccontextmanager
async def read_only(stage: Stage) -> AsyncIterator[None]:
    """Let the database refuse to write, as one that was demoted does."""
    await _administer(stage, READ_ONLY, HEED)
    yield
    await _administer(stage, WRITABLE, HEED)


@asynccontextmanager
async def disk_full(stage: Stage) -> AsyncIterator[None]:
    """Leave the database no room to write; start it again if that ended it."""
    assert stage.disk is not None
    await asyncio.to_thread(stage.disk.fill)
    yield
    stage.disk.make_room()
    if stage.postgres.pid is None:
        await stage.postgres.start()


@asynccontextmanager
async def gateway_is(stage: Stage, *, manner: Manner) -> AsyncIterator[None]:
    """Let the gateway behave badly."""
    stage.gateway.manner = manner
    yield
    stage.gateway.manner = "well"


@asynccontextmanager
async def line(
    stage: Stage, *, which: Callable[[Stage], Sequence[Proxy]], harm: Callable[[Proxy], None]
) -> AsyncIterator[None]:
    """Harm the lines to a service, and heal them after."""
    for proxy in which(stage):
        harm(proxy)
    yield
    for proxy in which(stage):
        proxy.heal()


def no_disk(stage: Stage) -> str:
    """Say why the disk cannot be full here."""
    return "" if stage.disk else "a small file system can be mounted by root alone"


def no_faketime(_stage: Stage) -> str:
    """Say why clocks cannot differ here."""
    return "" if FAKETIME else "no libfaketime: apt-get install libfaketime (Debian, Ubuntu)"


async def _crash(postgres: EmbeddedPostgres) -> None:
    postgres.kill()
    await postgres.wait()


async def _administer(stage: Stage, *statements: str) -> None:
    connection = await asyncpg.connect(
        stage.postgres.url(), server_settings={"default_transaction_read_only": "off"}
    )
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def to_kafka(stage: Stage) -> Sequence[Proxy]:
    """Give the lines to all brokers."""
    return stage.cluster.proxies


def to_one_broker(stage: Stage) -> Sequence[Proxy]:
    """Give the line to one broker."""
    return stage.cluster.proxies[:1]


def to_postgres(stage: Stage) -> Sequence[Proxy]:
    """Give the line to the database."""
    return [stage.to_postgres]


def to_gateway(stage: Stage) -> Sequence[Proxy]:
    """Give the line to the gateway."""
    return [stage.to_gateway]


cut = partial(line, harm=Proxy.cut)
swallowed = partial(line, harm=Proxy.swallow)
slowed = partial(line, harm=partial(Proxy.slow, seconds=0.1))
