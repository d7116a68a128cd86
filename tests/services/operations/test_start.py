"""Before its first loop begins, a process knows the time, what others read, and that it runs itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from dispatch.clock import Clock
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.node import Node
from dispatch.runtime.wiring import Wiring
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.operations.heartbeats import processes
from dispatch.services.plans.plan_files import load
from dispatch.storage import write_generation
from schemas.generations import GENERATION


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
