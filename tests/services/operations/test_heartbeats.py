"""Heartbeats: a process is in the table from its start to its clean stop, on the database's clock."""

import asyncio
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import pytest

from dispatch.clock import MovableClock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.waiting_partitions import WaitingPartitions
from dispatch.services.operations import heartbeats
from dispatch.services.operations.heartbeats import GONE_AFTER, Heartbeat, processes
from dispatch.services.operations.retention import erase


async def test_a_process_is_listed_with_its_roles_until_it_stops(
    uow: UnitOfWork, clock: MovableClock
) -> None:
    heartbeat = Heartbeat(uow, ["relay", "api"])
    await heartbeat.beat()
    started = clock.now()
    clock.advance(5)
    await heartbeat.beat()
    (found,) = await processes(uow.pool)
    assert (found.roles, found.started_at, found.seen_at) == (["api", "relay"], started, clock.now())
    await heartbeat.end()
    assert await processes(uow.pool) == []


async def test_two_processes_of_one_host_and_pid_are_two(uow: UnitOfWork) -> None:
    for _ in range(2):
        await Heartbeat(uow, ["api"]).beat()
    first, second = await processes(uow.pool)
    assert (first.host, first.pid) == (second.host, second.pid)
    assert first.id != second.id


async def test_a_process_is_alone_while_no_other_is_alive(uow: UnitOfWork, clock: MovableClock) -> None:
    one, other = Heartbeat(uow, ["api"]), Heartbeat(uow, ["relay"])
    await one.beat()
    assert await one.is_alone()
    assert not await other.is_alone()
    await other.beat()
    assert not await one.is_alone()
    clock.advance(GONE_AFTER.total_seconds() + 1)
    assert await one.is_alone(), "the other one was killed"
    await other.beat()
    await other.end()
    assert await one.is_alone()


async def test_a_process_that_was_killed_is_gone_after_a_while_and_erased_after_a_day(
    uow: UnitOfWork, clock: MovableClock
) -> None:
    await Heartbeat(uow, ["api"]).beat()
    clock.advance(GONE_AFTER.total_seconds())
    assert [one.is_gone(clock.now()) for one in await processes(uow.pool)] == [False]
    clock.advance(1)
    assert [one.is_gone(clock.now()) for one in await processes(uow.pool)] == [True]
    await erase(uow, {"processes": 1})
    assert len(await processes(uow.pool)) == 1
    clock.advance(86_400)
    await erase(uow, {"processes": 1})
    assert await processes(uow.pool) == []


async def test_a_heartbeat_goes_on_after_the_database_was_away(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "EVERY_S", 0.05)
    heartbeat = Heartbeat(uow, ["api"])
    task = asyncio.create_task(heartbeat.run())
    await uow.pool.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                           " AND datname = current_database()")  # fmt: skip
    await asyncio.sleep(0.1)
    await uow.pool.execute("DELETE FROM processes")
    async with asyncio.timeout(10):
        while not await processes(uow.pool):
            await asyncio.sleep(0.05)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_heartbeat_names_the_partitions_that_wait(uow: UnitOfWork) -> None:
    waiting = WaitingPartitions()
    heartbeat = Heartbeat(uow, ["incidents"], waiting)
    waiting.record("incidents", "incident.events", {3, 4}, {3: 17})
    await heartbeat.beat()
    (found,) = await processes(uow.pool)
    assert found.waiting == ["incident.events, partition 3, offset 17 (consumer incidents)"]
    waiting.record("incidents", "incident.events", {3}, {})
    await heartbeat.beat()
    (found,) = await processes(uow.pool)
    assert found.waiting == []


async def test_a_heartbeat_goes_on_while_an_upgrade_replaces_the_package(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(name: str) -> str:
        raise PackageNotFoundError(name)

    heartbeat = Heartbeat(uow, ["api"])
    monkeypatch.setattr(heartbeats, "version", removed)
    await heartbeat.beat()
    (found,) = await processes(uow.pool)
    assert found.version == version("renfort")
