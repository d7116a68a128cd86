"""One migrated database for all runs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from dispatch.embedded import EmbeddedPostgres
from dispatch.services.ingest import batches
from dispatch.services.matching import candidates
from dispatch.services.people import roster_writer
from dispatch.storage.pool import open_pool
from schemas.ids import new_id
from tests.conftest import TEMPLATE
from tests.random import races


@pytest.fixture(scope="session")
async def shared(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Pool]:
    """Open a database that runs share, each with an organisation of its own."""
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute(f"CREATE DATABASE runs TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    await connection.close()
    pool = await open_pool(postgres.url("runs"), application="tests")
    yield pool
    pool.terminate()


@pytest.fixture
def runs(shared: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> asyncpg.Pool:
    """Let rivals in, and hurry: what fails on purpose is not waited for, no session has anything to reset.

    The ids of people are in the order of the roster, so that a script takes the same course again.
    """
    monkeypatch.setattr(roster_writer, "uuid4", new_id)
    monkeypatch.setattr(candidates, "claim", races.claim)
    monkeypatch.setattr(batches, "SHORTEST_WAIT_S", 0)
    monkeypatch.setattr(asyncpg.Connection, "get_reset_query", lambda _connection: "")
    return shared
