"""What every test may ask for: a server, a database of its own, a clock that it moves, a broker."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool

TEMPLATE = "renfort_template"
START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """Run one server, with a migrated database to copy."""
    async with EmbeddedPostgres(tmp_path_factory.mktemp("data"), fsync=False) as server:
        await administer(server, f"CREATE DATABASE {TEMPLATE}")
        await migrate(server.url(TEMPLATE))
        yield server


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Give a migrated database of its own; return its address."""
    name = f"test_{uuid4().hex}"
    await administer(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield postgres.url(name)
    await administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Open a pool as the product does."""
    pool = await open_pool(database, application="tests")
    yield pool
    pool.terminate()


@pytest.fixture
async def connection(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Borrow one connection, outside any transaction."""
    async with pool.acquire() as connection:
        yield connection  # type: ignore[misc]


@pytest.fixture
def clock() -> MovableClock:
    """Start on a Sunday evening."""
    return MovableClock(START)


@pytest.fixture(scope="session")
async def broker_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run one embedded broker."""
    async with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.address


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Find the folder of real samples, or say why the test cannot run."""
    folder = os.environ.get("DISPATCH_REAL_DATA")
    if not folder:
        pytest.skip("DISPATCH_REAL_DATA names no folder of real samples")
    return Path(folder)


async def administer(server: EmbeddedPostgres, statement: str) -> None:
    """Run a statement that belongs to no database."""
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
