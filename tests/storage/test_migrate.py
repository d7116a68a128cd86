"""Migrations: once each, in order, by one at a time, and never changed afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from dispatch.embedded import EmbeddedPostgres
from dispatch.storage.migrate import FOLDER, MigrationError, migrate


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    name = f"empty_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (id int); INSERT INTO a VALUES (1);")
    (tmp_path / "0002_b.sql").write_text("CREATE TABLE b (id int);")
    return tmp_path


async def test_each_migration_is_applied_once_in_order(empty: str, folder: Path) -> None:
    assert await migrate(empty, folder) == ["0001_a.sql", "0002_b.sql"]
    assert await migrate(empty, folder) == []
    (folder / "0003_c.sql").write_text("CREATE TABLE c (id int);")
    assert await migrate(empty, folder) == ["0003_c.sql"]


async def test_ours_are_applied_by_one_of_several_who_start_together(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty) for _ in range(4)))
    names = sorted(path.name for path in FOLDER.glob("*.sql"))
    assert sorted(applied) == [[], [], [], names]


async def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(
    empty: str, folder: Path
) -> None:
    (folder / "0002_b.sql").write_text("CREATE TABLE b (id int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty, folder)
    (folder / "0002_b.sql").write_text("CREATE TABLE b (id int);")
    assert await migrate(empty, folder) == ["0002_b.sql"]


async def test_a_changed_migration_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0001_a.sql").write_text("CREATE TABLE a (id bigint);")
    with pytest.raises(MigrationError, match=r"0001_a\.sql was changed"):
        await migrate(empty, folder)


async def test_a_database_of_a_newer_version_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0002_b.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002_b\.sql was applied by a newer version"):
        await migrate(empty, folder)


async def test_a_migration_with_an_old_number_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0001_z.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"0001_z\.sql comes before 0002_b\.sql"):
        await migrate(empty, folder)
