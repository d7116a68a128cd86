"""Backups of the embedded database: what was there at a moment comes back, and a drill finds what did not."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedPostgres, EmbeddedServiceError, backup_folder
from dispatch.embedded import backup_schedule as copying
from dispatch.embedded.backup_drill import Check, drill
from dispatch.embedded.backup_folder import ABOUT, LIFE, SECRET, Base, bases, newest, prune
from dispatch.embedded.backup_schedule import KEEP_LOG, Backing
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
    """Run a database with what `dispatch up` keeps beside it."""
    data = tmp_path / "data"
    async with EmbeddedPostgres(data / "postgres", fsync=False, settings=KEEP_LOG) as server:
        (data / SECRET).write_bytes(b"secret")
        yield server


@pytest.fixture
async def backing(original: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Backing]:
    """Copy it as `dispatch up` does; the first whole copy is there when the test begins."""
    backing = Backing(tmp_path / "backups", tmp_path / "data", original.url(), Clock())
    running = asyncio.create_task(backing.run())

    async def first() -> bool:
        return bool(bases(tmp_path / "backups"))

    await until(first)
    yield backing
    running.cancel()
    await asyncio.wait({running})


async def ask(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def copied(server: EmbeddedPostgres) -> None:
    """Wait until all that is committed is copied."""

    async def there() -> object:
        return await ask(server, "SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication")

    await until(there)


@pytest.mark.usefixtures("backing")
async def test_what_was_committed_by_a_moment_comes_back_and_nothing_later(
    original: EmbeddedPostgres, tmp_path: Path
) -> None:
    await ask(original, "CREATE TABLE kept AS SELECT 1 AS n")
    moment = await ask(original, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    await ask(original, "INSERT INTO kept VALUES (2)")
    await copied(original)
    # The machine is lost: what is left is the folder.
    original.kill()
    await original.wait()
    (base,) = bases(tmp_path / "backups")
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


class Ahead(Clock):
    """An estimate that runs ahead of the database, as it does under load."""

    def now(self) -> datetime:
        """Return what will be."""
        return super().now() + timedelta(minutes=5)


async def test_the_drill_finds_what_is_wrong_and_says_that_the_rest_came_back(
    backing: Backing, original: EmbeddedPostgres
) -> None:
    await migrate(original.url())
    pool = await open_pool(original.url(), application="tests")
    clock = Clock()
    world = await World(pool, clock).found()  # type: ignore[arg-type]
    await world.people(4)
    await world.ask()
    await pool.execute("UPDATE journal SET body = '{}' WHERE topic = 'incident.reports'")
    await pool.execute("UPDATE incidents SET severity = 'routine'")
    try:
        checks = await drill(UnitOfWork(pool, Ahead()), backing, lambda _: None)
        holds = dict.fromkeys(("incidents", "reports", "events", "people"), True)
        assert verdicts(checks) == holds | {"journal": False, "tables": False}
        assert await pool.fetchval("SELECT array_agg(proven) FROM drills") == [False]
    finally:
        pool.terminate()


def verdicts(checks: list[Check]) -> dict[str, bool]:
    return {check.what: check.holds for check in checks if check.holds is not None}


async def test_a_folder_that_is_away_is_told_and_copied_to_when_it_comes(
    original: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "RETRY_S", 0.05)
    monkeypatch.setattr(copying, "LOOK_EVERY_S", 0.05)
    folder = tmp_path / "backups"
    folder.write_text("no folder")
    running = asyncio.create_task(Backing(folder, tmp_path / "data", original.url(), Clock()).run())
    await asyncio.sleep(0.3)
    assert not running.done()
    folder.unlink()

    async def whole() -> bool:
        return bool(bases(folder))

    await until(whole)
    await copied(original)
    running.cancel()
    await asyncio.wait({running})


async def test_nothing_is_restored_over_a_database(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(EmbeddedServiceError, match="move it away first"):
        async with restored(a_base(tmp_path / "backups", "1", 1, 1), tmp_path, None, AT):
            pass
    assert list((tmp_path / "postgres").iterdir()) == []


def a_base(folder: Path, life: str, hour: int, segment: int) -> Base:
    """Leave a whole copy as it lies in the folder, with its log."""
    base = Base(folder / life / "base" / str(hour), life, AT + timedelta(hours=hour), f"{segment:024X}")
    base.files.mkdir(parents=True)
    base.wal.mkdir(exist_ok=True)
    about = f'{{"life": "{life}", "ended_at": "{base.ended_at.isoformat()}", "segment": "{base.segment}"}}'
    (base.folder / ABOUT).write_text(about)
    for number in range(segment, segment + 3):
        (base.wal / f"{number:024X}").touch()
    return base


def test_the_last_copy_that_was_whole_by_a_moment_is_chosen_whatever_its_life(tmp_path: Path) -> None:
    first, second, third = (a_base(tmp_path, life, hour, 1) for life, hour in (("a", 1), ("a", 2), ("b", 3)))
    (tmp_path / "b" / "base" / "4.unfinished").mkdir()
    shutil.copy(third.folder / ABOUT, tmp_path / "b" / "base" / "4.unfinished" / ABOUT)
    assert newest(tmp_path, None) == third
    assert newest(tmp_path, AT + timedelta(hours=2)) == second
    assert newest(tmp_path, AT + timedelta(hours=1, minutes=59)) == first
    with pytest.raises(EmbeddedServiceError, match="no backup that was whole by 2026-11-27 08:59:59"):
        newest(tmp_path, AT + timedelta(minutes=59, seconds=59))
    with pytest.raises(EmbeddedServiceError, match="no backup: see"):
        newest(tmp_path / "elsewhere", None)


async def test_a_copy_that_failed_leaves_nothing(
    original: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged(_files: Path) -> None:
        raise EmbeddedServiceError("the copy is damaged")

    monkeypatch.setattr(backup_folder, "check", damaged)
    with pytest.raises(EmbeddedServiceError, match="damaged"):
        await backup_folder.take(tmp_path / "b", "a", original.url(), tmp_path / "none", Clock())
    assert not list((tmp_path / "b" / "a" / "base").iterdir())


def test_what_a_copy_left_that_was_killed_goes_after_a_day(tmp_path: Path) -> None:
    base = a_base(tmp_path, "a", 48, 1)
    stamps = [(AT + timedelta(hours=hour)).strftime(backup_folder.STAMP) for hour in (23, 25)]
    for stamp in stamps:
        (base.folder.parent / f"{stamp}.unfinished").mkdir()
    prune(tmp_path)
    assert [path.stem for path in base.folder.parent.glob("*.unfinished")] == stamps[1:]


def test_the_oldest_copies_go_and_with_them_the_log_that_no_other_needs(tmp_path: Path) -> None:
    old, second, third = (a_base(tmp_path, *which) for which in (("a", 1, 1), ("b", 25, 1), ("b", 49, 5)))
    (second.wal / "00000002.history").touch()
    assert prune(tmp_path, days=1) == [old, second]
    assert bases(tmp_path) == [third]
    assert not (tmp_path / "a").exists()
    assert sorted(path.name for path in third.wal.iterdir()) == [
        *(f"{number:024X}" for number in (5, 6, 7)), "00000002.history",
    ]  # fmt: skip


def test_many_copies_within_an_hour_leave_every_moment_of_the_week_restorable(tmp_path: Path) -> None:
    week = [a_base(tmp_path, "a", 24 * day, day + 1) for day in range(8)]
    drills = [a_base(tmp_path, "a", 24 * 7 + hour, 20 + hour) for hour in range(1, 9)]
    assert prune(tmp_path) == drills[:-1]
    assert bases(tmp_path) == [*week, drills[-1]]
    assert (week[0].wal / f"{1:024X}").exists()


def test_a_copy_whose_description_is_unreadable_is_passed_over_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn, whole = (a_base(tmp_path, "a", hour, 1) for hour in (1, 2))
    (torn.folder / ABOUT).write_text('{"life": "a", "ende')
    assert bases(tmp_path) == [whole]
    assert str(torn.folder / ABOUT) in capsys.readouterr().out


@pytest.mark.usefixtures("backing")
async def test_damaged_copies_are_not_restored(original: EmbeddedPostgres, tmp_path: Path) -> None:
    (base,) = bases(tmp_path / "backups")
    await ask(original, "SELECT pg_switch_wal()")
    await copied(original)
    beyond = f"{int(base.segment, 16) + 16:024X}"
    (base.wal / beyond).touch()
    with pytest.raises(EmbeddedServiceError, match=f"lacks what lies between .* and {beyond}"):
        await bring_back(base, tmp_path / "gap")
    (base.wal / beyond).unlink()
    damaged = max((base.files / "base").rglob("[0-9]*"), key=lambda path: path.stat().st_size)
    damaged.write_bytes(b"")
    with pytest.raises(EmbeddedServiceError, match=damaged.name):
        await bring_back(base, tmp_path / "torn")
    assert not (tmp_path / "torn" / "postgres").exists()


async def bring_back(base: Base, data: Path) -> None:
    async with restored(base, data, None, AT, fsync=False):
        pass
