"""The embedded services start, restart, store what they should, and end with their owner."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import psutil
import pytest

from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres, EmbeddedServiceError, executables
from dispatch.embedded.broker import answering_cluster

OWNER = """
import asyncio, sys
from pathlib import Path
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres

async def main():
    data = Path(sys.argv[1])
    postgres, broker = EmbeddedPostgres(data, fsync=False), EmbeddedBroker(data)
    await postgres.start()
    await broker.start()
    print(postgres.pid, broker.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def postgres(tmp_path: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(tmp_path / "data", fsync=False)


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def eventually(condition: Callable[[], bool], seconds: float = 3) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return condition()


def server_processes(postgres: EmbeddedPostgres) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(postgres.files)]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


async def test_postgres_retains_its_rows_over_a_restart(postgres: EmbeddedPostgres) -> None:
    async with postgres:
        await ask(postgres.url(), "CREATE TABLE kept AS SELECT 7 AS value")
    url = await postgres.start()
    assert await ask(url, "SELECT value FROM kept") == 7
    await postgres.stop()
    assert server_processes(postgres) == []


async def test_postgres_restarts_after_a_crash(postgres: EmbeddedPostgres) -> None:
    await postgres.start()
    postgres.kill()
    await postgres.wait()
    assert postgres.pid is None
    async with postgres:
        assert await ask(postgres.url(), "SELECT 1") == 1


async def test_starting_postgres_again_replaces_the_running_server(postgres: EmbeddedPostgres) -> None:
    await postgres.start()
    first = postgres.pid
    async with postgres:
        assert postgres.pid != first
        assert await ask(postgres.url(), "SELECT 1") == 1
    assert not psutil.pid_exists(first or 0)


async def test_postgres_syncs_to_disk_unless_configured_otherwise(tmp_path: Path) -> None:
    for fsync, shown in ((True, "on"), (False, "off")):
        async with EmbeddedPostgres(tmp_path / shown, fsync=fsync) as postgres:
            assert await ask(postgres.url(), "SHOW fsync") == shown


async def test_postgres_works_in_a_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / ("deep" * 40) / "data", fsync=False) as postgres:
        assert await ask(postgres.url(), "SELECT 1") == 1


async def test_postgres_listens_on_a_port_when_given_one(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    async with EmbeddedPostgres(tmp_path, fsync=False, port=port) as postgres:
        assert postgres.url() == f"postgresql://renfort@127.0.0.1:{port}/renfort"
        assert await ask(postgres.url(), "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop privileges")
async def test_postgres_does_not_run_as_root(postgres: EmbeddedPostgres) -> None:
    async with postgres:
        assert psutil.Process(postgres.pid).uids().effective != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop privileges")
async def test_programs_that_the_service_user_cannot_access_are_copied_once(
    postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Path("/var/cache") / f"renfort-test-{os.getpid()}"
    monkeypatch.setattr(executables, "SHARED_COPIES", shared)
    monkeypatch.setattr(executables, "_accessible_to_all", lambda _: False)
    try:
        async with postgres, EmbeddedBroker(tmp_path):
            assert Path(psutil.Process(postgres.pid).exe()).is_relative_to(shared)
        assert len(list(shared.iterdir())) == 2
    finally:
        shutil.rmtree(shared)


async def test_two_owners_cannot_share_one_folder(postgres: EmbeddedPostgres) -> None:
    async with postgres:
        with pytest.raises(EmbeddedServiceError, match="in use by another process"):
            await EmbeddedPostgres(postgres.files.parent, fsync=False).start()
        assert await ask(postgres.url(), "SELECT 1") == 1


async def test_a_running_predecessor_is_named_in_the_error(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.embedded.postgres.PREDECESSOR_TIMEOUT_S", 0.2)
    async with postgres:
        (postgres.files.parent / "postgres.lock").unlink()
        with pytest.raises(EmbeddedServiceError, match="the end of the server that uses"):
            await EmbeddedPostgres(postgres.files.parent, fsync=False).start()


async def test_a_stale_pid_file_that_names_another_process_does_not_prevent_a_start(
    postgres: EmbeddedPostgres,
) -> None:
    await postgres.start()
    content = (postgres.files / "postmaster.pid").read_text()
    await postgres.stop()
    stale = postgres.files / "postmaster.pid"
    stale.write_text(content.replace(content.split("\n")[0], str(os.getpid()), 1))
    async with postgres:
        assert await ask(postgres.url(), "SELECT 1") == 1


async def test_partial_files_of_a_killed_owner_are_created_again(postgres: EmbeddedPostgres) -> None:
    unfinished = postgres.files.with_name("postgres.unfinished")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    async with postgres:
        assert await ask(postgres.url(), "SELECT 1") == 1


async def test_a_server_that_cannot_start_reports_the_reason(postgres: EmbeddedPostgres) -> None:
    await postgres.start()
    await postgres.stop()
    (postgres.files / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedServiceError, match="no_such_setting"):
        await postgres.start()


def test_a_missing_package_is_named(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedServiceError, match="pip install no-such-package"):
        executables.program_for(executables.account_for(postgres.files), "no-such-package", "bin/program")


async def test_a_broker_restarts_as_an_empty_cluster_at_the_same_address(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "data") as broker:
        address, cluster = broker.address, broker.cluster_id
        assert await answering_cluster(broker.port) == cluster
        broker.kill()
        await asyncio.wait_for(broker.wait(), 1)
        assert await broker.start() == address
        assert broker.cluster_id != cluster
        assert await answering_cluster(broker.port) == broker.cluster_id
    assert await answering_cluster(broker.port) is None


async def test_an_older_broker_on_the_port_is_not_mistaken_for_ours(tmp_path: Path) -> None:
    async with EmbeddedBroker(tmp_path / "old") as older:
        with pytest.raises(EmbeddedServiceError, match="the embedded broker ended at start"):
            await EmbeddedBroker(tmp_path / "new", port=older.port).start()
        assert await answering_cluster(older.port) == older.cluster_id


async def test_services_start_only_from_the_main_thread(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServiceError, match="main thread"):
        await asyncio.to_thread(lambda: asyncio.run(EmbeddedBroker(tmp_path).start()))


async def test_services_end_with_an_owner_killed_by_sigkill_and_the_next_start_works(
    owner: subprocess.Popen[str], postgres: EmbeddedPostgres
) -> None:
    assert owner.stdout is not None
    pids = [int(pid) for pid in (await asyncio.to_thread(owner.stdout.readline)).split()]
    assert len(pids) == 2
    assert all(psutil.pid_exists(pid) for pid in pids)
    owner.kill()
    assert await eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    assert await eventually(lambda: server_processes(postgres) == [])
    async with postgres:
        assert await ask(postgres.url(), "SELECT 1") == 1


async def test_the_next_start_waits_for_the_killed_owners_server_to_finish(
    owner: subprocess.Popen[str], postgres: EmbeddedPostgres
) -> None:
    assert owner.stdout is not None
    await asyncio.to_thread(owner.stdout.readline)
    owner.kill()
    owner.wait()
    async with postgres:
        assert await ask(postgres.url(), "SELECT 1") == 1
