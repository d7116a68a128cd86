"""The retention commands: periods are shown, rows erased on demand, and missing runs reported by the doctor."""

import subprocess
import time
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.retention import EXPIRING, RULES
from tests.cli.installed import DISPATCH, Up, dispatch_up, environment, eventually
from tests.cli.invocations import Dispatch, states
from tests.cli.test_up import incident, reported

TAKEN = "INSERT INTO inbox SELECT 'x', gen_random_uuid(), $1 FROM generate_series(1, 1005)"


@pytest.fixture
async def old(pool: asyncpg.Pool, clock: MovableClock) -> None:
    """Insert expired rows into the inbox."""
    clock.advance(-400 * 86_400)
    await pool.execute(TAKEN, clock.now())


@pytest.mark.usefixtures("old")
async def test_what_is_due_is_shown_and_erased_when_asked(dispatch: Dispatch) -> None:
    before = {row["tables"][0]: row for row in (await dispatch("retention", "show", "--json")).json()}
    assert before.keys() == {rule.name for rule in RULES}
    assert (before["inbox"]["due"], before["inbox"]["last_run"]) == (1000, None)
    assert "1000 or more" in (await dispatch("retention", "run", "--dry-run")).out
    assert (await dispatch("retention", "run", "--json")).json()["erased"]["inbox"] == 1005
    after = {row["tables"][0]: row for row in (await dispatch("retention", "show", "--json")).json()}
    assert (after["inbox"]["due"], after["inbox"]["erased"]) == (0, 1005)
    assert after["inbox"]["last_run"] is not None
    assert "journal" in (await dispatch("retention", "show")).out


async def test_the_doctor_warns_when_nothing_was_erased_for_a_day(
    dispatch: Dispatch,
    pool: asyncpg.Pool,
) -> None:
    assert states(await dispatch("doctor", "--json"))["retention"] == "warn"
    await dispatch("retention", "run")
    assert states(await dispatch("doctor", "--json"))["retention"] == "ok"
    await pool.execute("UPDATE retention_runs SET ran_at = ran_at - interval '25 hours'")
    assert states(await dispatch("doctor", "--json"))["retention"] == "warn"


async def test_a_period_out_of_its_bounds_is_misuse(
    dispatch: Dispatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DISPATCH_KEEP", "inbox=2")
    done = await dispatch("retention", "show")
    assert (done.code, "inbox=2: must be from 9 to 365 days" in done.err) == (2, True)
    monkeypatch.setenv("DISPATCH_KEEP", ",".join(f"{rule.name}={rule.most}" for rule in EXPIRING))
    shown = {row["tables"][0]: row["days"] for row in (await dispatch("retention", "show", "--json")).json()}
    assert shown["inbox"] == 365


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup", "take"], "set DISPATCH_BACKUP"),
        (["backup", "list"], "set DISPATCH_BACKUP"),
        (["backup", "drill"], "set DISPATCH_BACKUP"),
        (["backup", "take", "/nowhere"], "for yours see Backups"),
        (["backup", "drill", "/nowhere"], "for yours see Backups"),
        (["restore", "/nowhere"], "for yours see Backups"),
    ],
)
async def test_backups_of_another_database_or_to_nowhere_are_misuse(
    dispatch: Dispatch,
    words: list[str],
    said: str,
) -> None:
    done = await dispatch(*words)
    assert (done.code, done.out, said in done.err) == (2, "", True)


async def test_without_a_backup_there_is_nothing_to_restore(
    dispatch: Dispatch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("DISPATCH_POSTGRES")
    done = await dispatch("restore", tmp_path)
    assert (done.code, "holds no backup" in done.err) == (1, True)
    assert (await dispatch("backup", "list", tmp_path, "--json")).json() == []


async def test_a_backup_that_cannot_be_read_is_named_and_passed_over(
    dispatch: Dispatch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("DISPATCH_POSTGRES")
    torn = tmp_path / "a" / "base" / "1" / "about.json"
    torn.parent.mkdir(parents=True)
    torn.write_text('{"life"')
    listed, restored = (
        await dispatch("backup", "list", tmp_path, "--json"),
        await dispatch("restore", tmp_path),
    )
    assert (listed.json(), str(torn) in listed.err) == ([], True)
    assert (restored.code, str(torn) in restored.err, "holds no backup" in restored.err) == (1, True, True)


@pytest.mark.slow
def test_a_machine_that_is_lost_comes_back_from_what_was_copied(tmp_path: Path) -> None:
    folder, backups = tmp_path / "data", tmp_path / "backups"
    known = environment(folder, DISPATCH_BACKUP=str(backups))
    with dispatch_up(folder, DISPATCH_BACKUP=str(backups)) as up:
        up.until_ready()
        key = up.keys["control-room"]
        opened(up, key, 1)
        checks = typed(known, "backup", "drill", "--json")
        assert {check["what"] for check in checks if check["holds"]} >= {"incidents", "journal", "tables"}
        found = {one["what"]: one["state"] for one in typed(known, "doctor", "--json", codes=(0, 1))}
        assert found["backup"] == "ok"
        wrong = subprocess.run(
            [DISPATCH, "backup", "take", DISPATCH], env=known, capture_output=True, timeout=60, check=False
        )
        assert (wrong.returncode, b"Not a directory" in wrong.stderr) == (2, True)
        opened(up, key, 2)
        # What is on its way at that moment may be lost.
        time.sleep(0.5)
        up.process.kill()
        up.process.wait()
    secret = (folder / "token-secret").read_bytes()
    folder.rename(tmp_path / "lost")
    back = typed(known, "restore", "--json")
    assert (back["incidents"], back["problems"]) == (2, [])
    assert (folder / "token-secret").read_bytes() == secret


def opened(up: Up, key: str, number: int) -> None:
    place = reported(up, key, number) or ""
    eventually(lambda: incident(up, place, key), "the incident")


def typed(known: dict[str, str], *words: str, codes: tuple[int, ...] = (0,)) -> Any:  # noqa: ANN401 - any JSON
    """Run a command beside the running installation; return its output."""
    done = subprocess.run([DISPATCH, *words], env=known, capture_output=True, timeout=60, check=False)
    assert done.returncode in codes, done.stderr.decode()
    return orjson.loads(done.stdout) if "--json" in words else done.stdout
