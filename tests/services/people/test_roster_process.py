"""Large imports: a process of their own parses them, and its errors are the errors of an import."""

import asyncio
import time
from asyncio.subprocess import Process

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.core.errors import ConflictError, InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import roster_process
from dispatch.services.people.roster_import import ImportOrder
from dispatch.services.people.roster_process import RosterImporter
from tests.support.scene import Scene, phone

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def scene(pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(roster_process, "LARGE", 0)
    return await Scene.open(UnitOfWork(pool, clock))


def lines(count: int, first: int = 0) -> bytes:
    return "".join(
        f"Ada {n},{phone(n)},fr,first_aid,48.85,2.35,1990-01-31,sms,available\n"
        for n in range(first, first + count)
    ).encode()


async def test_a_process_imports_at_the_time_of_its_caller_and_wakes_the_relay(
    scene: Scene, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    woken: list[bool] = []
    importer = RosterImporter(UnitOfWork(pool, clock, lambda: woken.append(True)))
    summary = await importer.run(ImportOrder(scene.organisation, HEADER.encode() + lines(5, 10)))
    assert (summary.registered, summary.added, summary.problems, len(woken)) == (5, 5, [], 1)
    joined = await pool.fetchval("SELECT max(joined_at) FROM memberships")
    assert 0 <= (joined - scene.now).total_seconds() < 60


async def test_what_a_process_refuses_is_refused_with_its_reason(scene: Scene) -> None:
    importer = RosterImporter(scene.uow)
    with pytest.raises(InvalidError, match="the first line must name the columns") as invalid:
        await importer.run(ImportOrder(scene.organisation, b"nonsense"))
    assert invalid.value.field
    with pytest.raises(ConflictError, match="2 of 3 people would leave"):
        await importer.run(ImportOrder(scene.organisation, b"phone\n" + phone(0).encode(), sync=True))


async def test_a_caller_who_goes_ends_the_process_and_nothing_is_written(
    scene: Scene, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Process] = []
    start = asyncio.create_subprocess_exec

    async def observed(*words: str, stdin: int, stdout: int) -> Process:
        started.append(await start(*words, stdin=stdin, stdout=stdout))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", observed)
    order = ImportOrder(scene.organisation, HEADER.encode() + lines(5, 10))
    importing = asyncio.create_task(RosterImporter(scene.uow).run(order))
    while not started:
        await asyncio.sleep(0.01)
    importing.cancel()
    await asyncio.wait([importing])
    assert started[0].returncode == -9
    assert await pool.fetchval("SELECT count(*) FROM memberships") == 3


@pytest.mark.parametrize("sheet", [b"," * 8 * MEBIBYTE, b"x" * 8 * MEBIBYTE], ids=["cells", "a cell"])
async def test_eight_mebibytes_that_are_hard_to_parse_do_not_stop_the_loop(
    scene: Scene, sheet: bytes
) -> None:
    order = ImportOrder(scene.organisation, b"name,phone\n" + sheet)
    importing = asyncio.create_task(RosterImporter(scene.uow).run(order))
    longest, last = 0.0, time.perf_counter()
    while not importing.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    with pytest.raises(InvalidError):
        await importing
    # Parsed in a thread, they stopped it for 1 s; the rest is the scheduler of a busy computer.
    assert longest < 0.25
