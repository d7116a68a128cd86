"""Backups of the embedded database: a moment is restored, and the drill finds differences."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedPostgres, EmbeddedServiceError, backup_folder, backup_schedule
from dispatch.embedded.backup_drill import DrillCheck, drill
from dispatch.embedded.backup_folder import (
    ABOUT,
    LIFE,
    SECRET,
    BaseBackup,
    base_backups,
    latest_backup,
    prune,
)
from dispatch.embedded.backup_schedule import WAL_SETTINGS, BackupSchedule
from dispatch.embedded.recovery import restored
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from tests.support.site import until
from tests.support.world import World

AT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
ROWS = "SELECT array_agg(n ORDER BY n) FROM kept"
Ask = Callable[[str], Awaitable[object]]


@pytest.fixture
async def original(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Run a database with the files that `dispatch up` stores beside it."""
    data = tmp_path / "data"
    async with EmbeddedPostgres(data / "postgres", fsync=False, settings=WAL_SETTINGS) as server:
        (data / SECRET).write_bytes(b"secret")
        yield server


@pytest.fixture
async def schedule(original: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[BackupSchedule]:
    """Copy it as `dispatch up` does; the first base backup exists when the test begins."""
    schedule = BackupSchedule(tmp_path / "backups", tmp_path / "data", original.url(), Clock())
    running = asyncio.create_task(schedule.run())

    async def first() -> bool:
        return bool(base_backups(tmp_path / "backups"))

    await until(first)
    yield schedule
    running.cancel()
    await asyncio.wait({running})


async def ask(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def until_copied(server: EmbeddedPostgres) -> None:
    """Wait until everything committed is copied."""

    async def caught_up() -> object:
        return await ask(server, "SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication")

    await until(caught_up)


@pytest.mark.usefixtures("schedule")
async def test_a_restore_brings_back_what_was_committed_by_a_moment_and_nothing_later(
    original: EmbeddedPostgres, tmp_path: Path
) -> None:
    await ask(original, "CREATE TABLE kept AS SELECT 1 AS n")
    moment = await ask(original, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    await ask(original, "INSERT INTO kept VALUES (2)")
    await until_copied(original)
    # The machine is lost: only the folder is left.
    original.kill()
    await original.wait()
    (base,) = base_backups(tmp_path / "backups")
    assert (base.folder / SECRET).read_bytes() == b"secret"
    async with restored(base, tmp_path / "then", moment, AT, fsync=False) as server:
        assert await ask(server, ROWS) == [1]
    async with restored(base, tmp_path / "last", None, AT + timedelta(1), fsync=False) as server:
        assert await ask(server, ROWS) == [1, 2]
    async with EmbeddedPostgres(tmp_path / "last", fsync=False) as server:
        assert await ask(server, "INSERT INTO kept VALUES (3) RETURNING n") == 3
    lives = {(tmp_path / folder / "postgres" / LIFE).read_text() for folder in ("then", "last")}
    assert len(lives | {base.life}) == 3
    with pytest.raises(EmbeddedServiceError, match="nothing was copied after 2999"):
        async with restored(base, tmp_path / "never", AT.replace(year=2999), AT, fsync=False):
            pass
    assert not (tmp_path / "never" / "postgres").exists()


class ClockAhead(Clock):
    """An estimate that runs ahead of the database's clock, as it does under load."""

    def now(self) -> datetime:
        """Return the time in five minutes."""
        return super().now() + timedelta(minutes=5)


async def test_the_drill_reports_differences_and_confirms_the_rest(
    schedule: BackupSchedule, original: EmbeddedPostgres
) -> None:
    await migrate(original.url())
    pool = await open_pool(original.url(), application="tests")
    clock = Clock()
    world = await World(pool, clock).create()  # type: ignore[arg-type]
    await world.add_people(4)
    await world.ask()
    await pool.execute("UPDATE journal SET body = '{}' WHERE topic = 'incident.reports'")
    await pool.execute("UPDATE incidents SET severity = 'routine'")
    try:
        checks = await drill(UnitOfWork(pool, ClockAhead()), schedule, lambda _: None)
        holds = dict.fromkeys(("incidents", "reports", "events", "people"), True)
        assert verdicts(checks) == holds | {"journal": False, "tables": False}
        assert await pool.fetchval("SELECT array_agg(proven) FROM drills") == [False]
    finally:
        pool.terminate()


def verdicts(checks: list[DrillCheck]) -> dict[str, bool]:
    return {check.what: check.holds for check in checks if check.holds is not None}


async def test_an_unavailable_folder_is_retried_until_it_is_available(
    original: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_schedule, "RETRY_S", 0.05)
    monkeypatch.setattr(backup_schedule, "CHECK_EVERY_S", 0.05)
    folder = tmp_path / "backups"
    folder.write_text("no folder")
    running = asyncio.create_task(BackupSchedule(folder, tmp_path / "data", original.url(), Clock()).run())
    await asyncio.sleep(0.3)
    assert not running.done()
    folder.unlink()

    async def backed_up() -> bool:
        return bool(base_backups(folder))

    await until(backed_up)
    await until_copied(original)
    running.cancel()
    await asyncio.wait({running})


async def test_nothing_is_restored_over_a_database(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(EmbeddedServiceError, match="move it away first"):
        async with restored(base_backup(tmp_path / "backups", "1", 1, 1), tmp_path, None, AT):
            pass
    assert list((tmp_path / "postgres").iterdir()) == []


def base_backup(folder: Path, life: str, hour: int, segment: int) -> BaseBackup:
    """Create a base backup as it is stored in the folder, with its WAL."""
    base = BaseBackup(folder / life / "base" / str(hour), life, AT + timedelta(hours=hour), f"{segment:024X}")
    base.files.mkdir(parents=True)
    base.wal.mkdir(exist_ok=True)
    about = f'{{"life": "{life}", "ended_at": "{base.ended_at.isoformat()}", "segment": "{base.segment}"}}'
    (base.folder / ABOUT).write_text(about)
    for number in range(segment, segment + 3):
        (base.wal / f"{number:024X}").touch()
    return base


def test_the_last_backup_that_ended_by_a_moment_is_chosen_from_any_life(tmp_path: Path) -> None:
    first, second, third = (
        base_backup(tmp_path, life, hour, 1) for life, hour in (("a", 1), ("a", 2), ("b", 3))
    )
    (tmp_path / "b" / "base" / "4.unfinished").mkdir()
    shutil.copy(third.folder / ABOUT, tmp_path / "b" / "base" / "4.unfinished" / ABOUT)
    assert latest_backup(tmp_path, None) == third
    assert latest_backup(tmp_path, AT + timedelta(hours=2)) == second
    assert latest_backup(tmp_path, AT + timedelta(hours=1, minutes=59)) == first
    with pytest.raises(EmbeddedServiceError, match="no backup that ended by 2026-11-27 08:59:59"):
        latest_backup(tmp_path, AT + timedelta(minutes=59, seconds=59))
    with pytest.raises(EmbeddedServiceError, match="no backup: see"):
        latest_backup(tmp_path / "elsewhere", None)


async def test_a_failed_backup_leaves_no_files(
    original: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged(_files: Path) -> None:
        raise EmbeddedServiceError("the copy is damaged")

    monkeypatch.setattr(backup_folder, "verify_files", damaged)
    with pytest.raises(EmbeddedServiceError, match="damaged"):
        await backup_folder.take_base_backup(tmp_path / "b", "a", original.url(), tmp_path / "none", Clock())
    assert not list((tmp_path / "b" / "a" / "base").iterdir())


def test_the_files_of_a_killed_backup_are_deleted_after_a_day(tmp_path: Path) -> None:
    base = base_backup(tmp_path, "a", 48, 1)
    stamps = [(AT + timedelta(hours=hour)).strftime(backup_folder.STAMP) for hour in (23, 25)]
    for stamp in stamps:
        (base.folder.parent / f"{stamp}.unfinished").mkdir()
    prune(tmp_path)
    assert [path.stem for path in base.folder.parent.glob("*.unfinished")] == stamps[1:]


def test_old_backups_are_deleted_with_the_wal_that_no_other_needs(tmp_path: Path) -> None:
    old, second, third = (
        base_backup(tmp_path, *which) for which in (("a", 1, 1), ("b", 25, 1), ("b", 49, 5))
    )
    (second.wal / "00000002.history").touch()
    assert prune(tmp_path, days=1) == [old, second]
    assert base_backups(tmp_path) == [third]
    assert not (tmp_path / "a").exists()
    assert sorted(path.name for path in third.wal.iterdir()) == [
        *(f"{number:024X}" for number in (5, 6, 7)), "00000002.history",
    ]  # fmt: skip


def test_many_backups_within_an_hour_leave_every_moment_of_the_week_restorable(tmp_path: Path) -> None:
    week = [base_backup(tmp_path, "a", 24 * day, day + 1) for day in range(8)]
    drills = [base_backup(tmp_path, "a", 24 * 7 + hour, 20 + hour) for hour in range(1, 9)]
    assert prune(tmp_path) == drills[:-1]
    assert base_backups(tmp_path) == [*week, drills[-1]]
    assert (week[0].wal / f"{1:024X}").exists()


def test_a_backup_with_an_unreadable_description_is_ignored_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn, whole = (base_backup(tmp_path, "a", hour, 1) for hour in (1, 2))
    (torn.folder / ABOUT).write_text('{"life": "a", "ende')
    assert base_backups(tmp_path) == [whole]
    assert str(torn.folder / ABOUT) in capsys.readouterr().out


@pytest.mark.usefixtures("schedule")
async def test_damaged_backups_are_not_restored(original: EmbeddedPostgres, tmp_path: Path) -> None:
    (base,) = base_backups(tmp_path / "backups")
    await ask(original, "SELECT pg_switch_wal()")
    await until_copied(original)
    beyond = f"{int(base.segment, 16) + 16:024X}"
    (base.wal / beyond).touch()
    with pytest.raises(EmbeddedServiceError, match=f"lacks the segments between .* and {beyond}"):
        await restore(base, tmp_path / "gap")
    (base.wal / beyond).unlink()
    damaged = max((base.files / "base").rglob("[0-9]*"), key=lambda path: path.stat().st_size)
    damaged.write_bytes(b"")
    with pytest.raises(EmbeddedServiceError, match=damaged.name):
        await restore(base, tmp_path / "torn")
    assert not (tmp_path / "torn" / "postgres").exists()


async def restore(base: BaseBackup, data: Path) -> None:
    async with restored(base, data, None, AT, fsync=False):
        pass
