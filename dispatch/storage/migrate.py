"""Numbered migrations, each applied once, each in one transaction."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import asyncpg
import structlog

from dispatch.storage.queries import sql

FOLDER = Path(__file__).with_name("migrations")
ATTEMPTS = 100
TRY_AGAIN_AFTER_S = 0.5

log = structlog.get_logger()


class MigrationError(Exception):
    """The database and the migrations of this version do not match; the text states the difference."""


async def migrate(database: asyncpg.Connection | str, folder: Path = FOLDER) -> list[str]:
    """Apply the missing migrations and return their names; a concurrent caller waits, then applies none."""
    if isinstance(database, str):
        connection = await asyncpg.connect(database)
        try:
            return await _migrate(connection, folder)
        finally:
            await connection.close()
    return await _migrate(database, folder)


async def create_database(dsn: str) -> None:
    """Create the database `renfort` on a server; `dsn` names another database there."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql("create_database"))
    finally:
        await connection.close()


async def applied_names(pool: asyncpg.Pool) -> set[str]:
    """Return the names of the migrations that are applied."""
    return {row["name"] for row in await pool.fetch(sql("applied_migrations"))}


async def missing_names(pool: asyncpg.Pool) -> list[str]:
    """Return the names of this version's migrations that the database lacks, which may have no tables at all."""
    try:
        applied = await applied_names(pool)
    except asyncpg.UndefinedTableError:
        applied = set()
    return sorted({path.name for path in FOLDER.glob("*.sql")} - applied)


async def _migrate(connection: asyncpg.Connection, folder: Path) -> list[str]:
    texts = _texts(folder)
    async with _locked(connection):
        await connection.execute(sql("create_migrations"))
        applied = {row["name"]: row["sha256"] for row in await connection.fetch(sql("applied_migrations"))}
        _compare(applied, texts)
        missing = [name for name in texts if name not in applied]
        for name in missing:
            await _apply(connection, name, texts[name])
    return missing


async def _apply(connection: asyncpg.Connection, name: str, text: str) -> None:
    """Apply one migration, again and again until it gets its locks.

    While it waits for a table, every other session waits behind it: so it gives up soon, lets them go on, and tries
    again. Raises MigrationError where that is in vain.
    """
    for _ in range(ATTEMPTS):
        try:
            return await _apply_once(connection, name, text)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            log.warning("a migration waits for other sessions; trying again", migration=name)
            await asyncio.sleep(TRY_AGAIN_AFTER_S)
    raise MigrationError(f"{name} could not be applied: other sessions hold its tables")


async def _apply_once(connection: asyncpg.Connection, name: str, text: str) -> None:
    async with connection.transaction():
        await connection.execute(sql("limit_lock_wait"))
        await connection.execute(text)
        await connection.execute(sql("record_migration"), name, _checksum(text))


@asynccontextmanager
async def _locked(connection: asyncpg.Connection) -> AsyncIterator[None]:
    await connection.execute(sql("lock_migrations"))
    try:
        yield
    finally:
        await connection.execute(sql("unlock_migrations"))


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}


def _compare(applied: Mapping[str, str], texts: Mapping[str, str]) -> None:
    for name, checksum in applied.items():
        if name not in texts:
            raise MigrationError(f"{name} was applied by a newer version of Renfort: install that version")
        if _checksum(texts[name]) != checksum:
            raise MigrationError(
                f"{name} was changed after it was applied: restore it and add a new migration"
            )
    newest = max(applied, default="")
    for name in texts:
        if name not in applied and name < newest:
            raise MigrationError(
                f"{name} comes before {newest}, which was applied already: give it a new number"
            )


def _checksum(text: str) -> str:
    return sha256(text.encode()).hexdigest()
