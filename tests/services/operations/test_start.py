"""Before its first loop begins, a process knows the time, what others read, and that it runs itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedPostgres
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.node import Node
from dispatch.runtime.wiring import Wiring
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.operations.heartbeats import processes
from dispatch.services.plans.plan_files import load
from dispatch.storage import write_generation
from dispatch.storage.migrate import migrate
from schemas.generations import GENERATION
from tests.conftest import administer


@asynccontextmanager
async def started(dsn: str, clock: Clock) -> AsyncIterator[None]:
    """Run a process with the agenda alone; Kafka is away."""
    wiring = Wiring(
        dsn=dsn,
        cluster=Cluster("127.0.0.1:1", embedded=True),
        host="127.0.0.1",
        port=0,
        links="",
        secret=b"",
        intake=Intake(load(None)),
        gateways=GatewayRegistry([]),
        roles=["agenda"],
    )
    node = Node(wiring, clock)
    await node.start()
    try:
        yield
    finally:
        await node.stop()


async def test_the_first_round_of_the_agenda_has_the_time_of_the_database_and_writes_for_those_who_read(
    pool: asyncpg.Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, datetime, int]] = []
    began = asyncio.Event()

    async def first_round(_: AgendaRunner) -> None:
        seen.append((write_generation.current, clock.now(), len(await processes(pool))))
        began.set()

    monkeypatch.setattr(AgendaRunner, "run", first_round)
    clock = Clock()
    clock._reference -= timedelta(hours=5)  # noqa: SLF001 - the host's clock, which is set wrong
    async with started(database, clock), asyncio.timeout(10):
        await began.wait()
    ((generation, at, running),) = seen
    assert (generation, running) == (GENERATION, 1)
    assert abs(at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.fixture
async def bare(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Create a database without tables; return its URL."""
    name = f"bare_{uuid4().hex}"
    await administer(postgres, f"CREATE DATABASE {name}")
    yield postgres.url(name)
    await administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_process_names_the_command_that_its_database_lacks_and_begins_once_it_was_run(
    bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()

    async def first_round(_: AgendaRunner) -> None:
        began.set()

    monkeypatch.setattr(AgendaRunner, "run", first_round)
    monkeypatch.setattr("dispatch.runtime.node.RETRY_S", 0.01)
    with capture_logs() as entries:
        async with started(bare, Clock()), asyncio.timeout(30):
            while not any("dispatch migrate" in entry["event"] for entry in entries):
                await asyncio.sleep(0.01)
            await migrate(bare)
            await began.wait()
    assert "error" not in {entry["log_level"] for entry in entries}


async def test_a_process_names_the_reason_for_which_its_database_rejects_it(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.runtime.node.RETRY_S", 0.01)
    with capture_logs() as entries:
        async with started(postgres.url("away"), Clock()), asyncio.timeout(30):
            while not any("does not exist" in str(entry.get("error")) for entry in entries):
                await asyncio.sleep(0.01)
    assert "error" not in {entry["log_level"] for entry in entries}
