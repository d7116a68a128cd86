"""The written generation follows its readers: lowered at once for an older one, raised once all are gone."""

from collections.abc import Iterator

import asyncpg
import pytest

from dispatch.services.operations.generation_guard import CALM_CHECKS, GenerationGuard, lowest_read
from dispatch.storage import write_generation
from dispatch.storage.pool import open_pool
from schemas.generations import GENERATION, OLDEST


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = write_generation.current
    yield
    write_generation.current = before


async def session(database: str, name: str) -> asyncpg.Connection:
    return await asyncpg.connect(database, server_settings={"application_name": name})


async def test_alone_a_process_writes_its_own_generation_at_once(pool: asyncpg.Pool) -> None:
    guard = GenerationGuard(pool)
    assert write_generation.current == OLDEST
    await guard.check()
    assert write_generation.current == GENERATION


async def test_beside_the_previous_release_it_writes_what_that_reads_until_it_is_gone(
    pool: asyncpg.Pool, database: str
) -> None:
    guard = GenerationGuard(pool)
    await guard.check()
    old = await session(database, "renfort: incidents relay")
    await guard.check()
    assert write_generation.current == OLDEST
    await old.close()
    for _ in range(CALM_CHECKS - 1):
        await guard.check()
        assert write_generation.current == OLDEST, "a process that restarts is away for a moment"
    await guard.check()
    assert write_generation.current == GENERATION


async def test_a_newer_process_and_other_programs_lower_nothing(pool: asyncpg.Pool, database: str) -> None:
    newer = await session(database, f"renfort: g{GENERATION + 4} all -api")
    other = await session(database, "psql")
    tool = await open_pool(database, application="renfort-cli")
    await tool.fetchval("SELECT 1")
    assert await lowest_read(pool) == GENERATION
    await newer.close()
    await other.close()
    tool.terminate()


async def test_an_operator_may_fix_the_generation(pool: asyncpg.Pool) -> None:
    await GenerationGuard(pool, fixed=OLDEST).run()
    assert write_generation.current == OLDEST
