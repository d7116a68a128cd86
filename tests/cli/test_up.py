"""`dispatch up` and `dispatch run` as processes: their files, their output, and what remains after them."""

import asyncio
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from dispatch.embedded import EmbeddedPostgres
from tests.cli.installed import DISPATCH, Up, dispatch_up, environment, eventually, free_port

pytestmark = pytest.mark.timeout(180)


def a_report(number: int) -> bytes:
    """Write a report of which only supervisors are notified."""
    now = datetime.now(UTC).isoformat()
    return json.dumps({"id": f"R-{number}", "kind": "tree.fallen", "occurred_at": now}).encode()


def reported(up: Up, key: str, number: int) -> str | None:
    """Send a report; return where its status is, None where it was not accepted."""
    answer = up.ask("/v1/reports", key, a_report(number))
    return answer.headers["location"] if answer.status == 202 else None


def incident(up: Up, place: str, key: str) -> str | None:
    """Return the incident of a report, once it is opened."""
    found: str | None = json.loads(up.ask(place, key).body)["incident_id"]
    return found


def test_keys_are_written_once_and_outlive_a_restart_with_all_that_was_accepted(tmp_path: Path) -> None:
    with dispatch_up(tmp_path) as up:
        up.until_ready()
        keys = up.keys
        assert keys.keys() == {"control-room", "duty-supervisor", "roster", "administrator"}
        file = tmp_path / "first-keys"
        assert file.stat().st_mode & 0o777 == 0o600
        assert f"first keys: {file}" in up.said
        eventually(lambda: "docs/town-hall.md" in up.said, "what to do next")
        assert "rk_" not in up.said + up.log
        file.unlink()
        place = reported(up, keys["control-room"], 1)
        assert place
        secret = (tmp_path / "token-secret").read_bytes()
        assert up.stop() == 0
    with dispatch_up(tmp_path) as up:
        up.until_ready()
        assert up.keys == {}
        assert "docs/town-hall.md" not in up.said
        assert up.ask(place, keys["control-room"]).status == 200
        assert up.ask("/v1/incidents", keys["duty-supervisor"]).status == 200
        assert (tmp_path / "token-secret").read_bytes() == secret


def test_sigterm_stops_cleanly_and_leaves_no_process(tmp_path: Path) -> None:
    with dispatch_up(tmp_path) as up:
        up.until_ready()
        family = up.family()
        assert {"postgres", "tansu"} <= {process.name() for process in family}
        assert up.stop() == 0
        assert not any(process.is_running() for process in family)
        assert "Traceback" not in up.log


def test_kill_9_leaves_no_broker_and_no_database_and_the_next_start_works(tmp_path: Path) -> None:
    with dispatch_up(tmp_path) as up:
        up.until_ready()
        key, family = up.keys["control-room"], up.family()
        place = reported(up, key, 1)
        assert place
        up.process.kill()
        up.process.wait()
        _, alive = psutil.wait_procs(family, timeout=3)
        assert not alive
    with dispatch_up(tmp_path) as up:
        up.until_ready()
        assert up.ask(place, key).status == 200
        assert reported(up, key, 2)


def test_a_second_one_in_the_same_folder_or_on_the_same_port_says_so(tmp_path: Path) -> None:
    with dispatch_up(tmp_path / "first") as up:
        up.until_ready()
        taken = up.url.removeprefix("http://")
        other = _dispatch("up", folder=tmp_path / "second", DISPATCH_HTTP=taken)
        assert other.returncode == 2
        assert taken in other.stderr
        assert "DISPATCH_HTTP" in other.stderr
        same = _dispatch("up", folder=tmp_path / "first", DISPATCH_HTTP=f"127.0.0.1:{free_port()}")
        assert same.returncode == 1
        assert "in use by another process" in same.stderr
        assert "Traceback" not in other.stderr + same.stderr
        assert up.ask("/readyz").status == 200


@pytest.mark.parametrize("missing", ["DISPATCH_KAFKA", "DISPATCH_POSTGRES"])
def test_run_without_a_service_named_is_misuse(tmp_path: Path, missing: str) -> None:
    settings = {"DISPATCH_KAFKA": "127.0.0.1:1", "DISPATCH_POSTGRES": "postgresql://127.0.0.1:1/none"}
    ran = _dispatch("run", "api", folder=tmp_path, **settings | {missing: ""})
    assert ran.returncode == 2
    assert "DISPATCH_KAFKA and DISPATCH_POSTGRES" in ran.stderr


async def test_without_postgres_it_answers_refuses_reports_and_recovers_when_the_database_comes(
    tmp_path: Path,
) -> None:
    postgres = EmbeddedPostgres(tmp_path / "late", fsync=False, port=free_port())
    with dispatch_up(tmp_path / "up", DISPATCH_POSTGRES=postgres.url()) as up:
        await asyncio.to_thread(eventually, lambda: up.ask("/healthz").status == 200, "an answer")
        assert up.ask("/readyz").status == 503
        refused = up.ask("/v1/reports", "rk_0123456789ab_" + 40 * "0", a_report(1))
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) > 0
        await asyncio.to_thread(
            eventually, lambda: "PostgreSQL does not answer; trying again" in up.log, "a line in the log"
        )
        async with postgres:
            await asyncio.to_thread(up.until_ready)
            assert reported(up, up.keys["control-room"], 1)
            assert up.stop() == 0


def test_a_frozen_broker_delays_a_report_and_never_refuses_it(tmp_path: Path) -> None:
    with dispatch_up(tmp_path) as up:
        up.until_ready()
        broker = next(process for process in up.family() if process.name() == "tansu")
        broker.suspend()
        key = up.keys["control-room"]
        began = time.monotonic()
        place = reported(up, key, 1)
        assert place
        assert time.monotonic() - began < 2
        broker.resume()
        eventually(lambda: incident(up, place, key), "the incident")


def _dispatch(*words: str, folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [DISPATCH, *words], env=environment(folder, **settings), capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
