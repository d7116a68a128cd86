"""Fixtures for all tests: a database server, a database per test, a movable clock, a broker."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage import write_generation
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from schemas.generations import GENERATION

TEMPLATE = "renfort_template"
START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """Run one server, with a migrated template database."""
    async with EmbeddedPostgres(tmp_path_factory.mktemp("data"), fsync=False) as server:
        await administer(server, f"CREATE DATABASE {TEMPLATE}")
        await migrate(server.url(TEMPLATE))
        yield server


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Create a migrated database for one test; return its URL."""
    name = f"test_{uuid4().hex}"
    await administer(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield postgres.url(name)
    await administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Open a pool with the settings of the product."""
    pool = await open_pool(database, application="tests")
    yield pool
    pool.terminate()


@pytest.fixture
async def connection(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Acquire one connection, outside any transaction."""
    async with pool.acquire() as connection:
        yield connection  # type: ignore[misc]


@pytest.fixture(autouse=True)
def generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the newest generation, whatever a process that an earlier test ran has left."""
    monkeypatch.setattr(write_generation, "current", GENERATION)


@pytest.fixture
def clock() -> MovableClock:
    """Return a clock that starts on a Sunday evening and moves only when told."""
    return MovableClock(START)


@pytest.fixture
def uow(pool: asyncpg.Pool, clock: MovableClock) -> UnitOfWork:
    """Return the unit of work of a service, on the test's own database and clock."""
    return UnitOfWork(pool, clock)


@pytest.fixture(scope="session")
async def broker_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run one embedded broker."""
    async with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.address


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real samples; skip the test where none is configured."""
    folder = os.environ.get("DISPATCH_REAL_DATA")
    if not folder:
        pytest.skip("DISPATCH_REAL_DATA names no folder of real samples")
    return Path(folder)


async def administer(server: EmbeddedPostgres, statement: str) -> None:
    """Run a statement on the server, outside any test database."""
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
