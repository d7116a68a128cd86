"""`GET /v1/stream` over a real socket: who may, from where, how it goes on, and how it ends."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
import uvicorn

from dispatch.clock import MovableClock
from dispatch.services.access import keys, organisations
from dispatch.services.console import stream as service
from dispatch.services.console.stream import Position
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from producers.http import stream as endpoint
from producers.http.app import build
from schemas.base import Mode
from schemas.ids import named
from schemas.incidents import IncidentCovered
from schemas.offers import Assigned
from tests.conftest import START


@dataclass
class Site:
    """A server, and a key that opens its stream."""

    uow: UnitOfWork
    organisation: UUID
    client: httpx.AsyncClient
    key: str
    stopping: list[bool] = field(default_factory=list)

    @asynccontextmanager
    async def stream(
        self, key: str | None = None, last: str | None = None, **asked: str
    ) -> AsyncIterator["Reader"]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        async with self.client.stream("GET", "/v1/stream", headers=headers, params=asked) as response:
            yield Reader(response)

    async def say(self, number: int, organisation: UUID | None = None, mode: Mode = "actual") -> None:
        id_ = named("incident", number)
        event = IncidentCovered(at=START, incident_id=id_)
        entry = Entry(id_, event, organisation or self.organisation, mode, str(id_), START, START)
        async with transaction(self.uow.pool) as connection:
            await append(connection, [entry], START)


class Reader:
    """Reads server-sent events as a browser does."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        async with asyncio.timeout(30):
            return await self._next()

    async def _next(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(":")
            if line:
                fields[name] = value.removeprefix(" ")
                continue
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields or "" in fields:
                return fields
            fields = {}
        raise EOFError

    async def rest(self) -> None:
        while True:
            await self.next()

    async def subjects(self, count: int) -> list[str]:
        return [orjson.loads((await self.next())["data"])["subject"] for _ in range(count)]


def names(*numbers: int) -> list[str]:
    return [str(named("incident", number)) for number in numbers]


@pytest.fixture
async def site(pool: asyncpg.Pool, clock: MovableClock) -> AsyncIterator[Site]:
    uow = UnitOfWork(pool, clock)
    organisation = await organisations.create(uow, "SDIS 67")
    key = await keys.create(uow, organisation=organisation, scopes=["console:read"], holder="Anne Weber")
    stopping: list[bool] = []
    router = endpoint.router(uow, keys.authenticate, lambda: bool(stopping))
    app = build(uow, secret=bytes(32), readiness=dict, extra=[router])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5))
    serving = asyncio.create_task(server.serve([listening]))
    address = "http://{}:{}".format(*listening.getsockname())
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        yield Site(uow, organisation, client, key, stopping)
    stopping.append(True)
    server.should_exit = True
    await asyncio.wait_for(serving, 10)


async def test_what_is_committed_is_heard_at_once(site: Site) -> None:
    async with site.stream() as reader:
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        await site.say(1)
        event = await reader.next()
    data = orjson.loads(event["data"])
    assert event["event"] == data["type"] == "incident.covered.v1"
    assert (data["topic"], data["mode"], data["at"], data["sequence"], data["subject"]) == (
        "incident.events", "actual", "2026-11-22T20:00:00+00:00", 1, names(1)[0],
    )  # fmt: skip
    assert data["data"]["incident_id"] == names(1)[0]


async def test_without_an_id_it_begins_now(site: Site) -> None:
    await site.say(1)
    async with site.stream() as reader:
        await site.say(2)
        assert await reader.subjects(1) == names(2)


async def test_it_can_begin_at_the_start(site: Site) -> None:
    await site.say(1)
    async with site.stream(**{"from": "start"}) as reader:
        await site.say(2)
        assert await reader.subjects(2) == names(1, 2)


@pytest.mark.parametrize("how", ["last", "after"])
async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(site: Site, how: str) -> None:
    async with site.stream() as reader:
        await site.say(1)
        await site.say(2)
        assert await reader.subjects(1) == names(1)
        last = reader.last_id
    await site.say(3)
    async with site.stream(**{how: last}) as reader:
        await site.say(4)
        assert await reader.subjects(3) == names(2, 3, 4)


async def test_who_is_cut_off_before_the_first_event_misses_nothing(site: Site) -> None:
    async with site.stream() as reader:
        text = await anext(aiter(reader.response.aiter_text()))
    place = text.partition("id: ")[2].partition("\n")[0]
    await site.say(1)
    async with site.stream(after=place) as reader:
        assert await reader.subjects(1) == names(1)


async def test_a_place_from_before_a_restore_starts_over_and_says_so(site: Site) -> None:
    await site.say(1)
    async with site.stream(after="99.1.1") as reader:
        assert (await reader.next())["event"] == "stream.restarted"
        assert await reader.subjects(1) == names(1)


async def test_a_malformed_place_is_refused(site: Site) -> None:
    async with site.stream(last="x") as reader:
        problem = orjson.loads(await reader.response.aread())
    assert reader.response.headers["content-type"] == "application/problem+json"
    assert (problem["status"], "Last-Event-ID" in problem["detail"]) == (400, True)


async def test_nobody_hears_another_organisation(site: Site) -> None:
    other = await organisations.create(site.uow, "SDIS 68")
    async with site.stream() as reader:
        await site.say(1, other)
        await site.say(2)
        assert await reader.subjects(1) == names(2)


async def test_only_what_was_asked_for_is_heard(site: Site) -> None:
    async with site.stream(mode="exercise", topic="incident.events") as reader:
        await site.say(1)
        await site.say(2, mode="exercise")
        assert await reader.subjects(1) == names(2)


@pytest.mark.parametrize(("scope", "status"), [("console:act", 200), ("admin", 200), ("reports:write", 403)])
async def test_the_scope_of_the_key_decides(site: Site, scope: str, status: int) -> None:
    key = await keys.create(site.uow, organisation=site.organisation, scopes=[scope], holder="Paul")
    async with site.stream(key=key) as reader:
        assert reader.response.status_code == status


async def test_an_unknown_key_is_refused(site: Site) -> None:
    async with site.stream(key="rk_0123456789ab_" + "0" * 40) as reader:
        assert reader.response.status_code == 401


async def test_no_key_is_refused(site: Site) -> None:
    assert (await site.client.get("/v1/stream")).status_code == 401


async def test_a_silent_stream_shows_that_it_lives(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEARTBEAT_S", 0.2)
    async with site.stream() as reader:
        assert (await reader.next())[""] == "still here"


async def test_a_key_that_is_revoked_ends_its_stream(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEARTBEAT_S", 0.2)
    async with site.stream() as reader:
        await keys.revoke(site.uow, site.organisation, site.key.split("_")[1])
        with pytest.raises(EOFError):
            await reader.rest()


async def test_a_stream_ends_cleanly_when_its_process_stops(site: Site) -> None:
    async with site.stream() as reader:
        site.stopping.append(True)
        with pytest.raises(EOFError):
            await reader.next()


async def test_more_watchers_than_it_can_serve_are_sent_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "MOST_WATCHERS", 1)
    async with site.stream() as first:
        await site.say(1)
        await first.next()
        async with site.stream() as second:
            assert second.response.status_code == 503
            assert second.response.headers["retry-after"]


async def test_two_hundred_watchers_share_one_reader(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    read_page = service.read_page

    async def counted(source: asyncpg.Pool, organisation: UUID, after: Position) -> service.Page:
        nonlocal reads
        reads += 1
        return await read_page(source, organisation, after)

    listening = asyncio.Barrier(201)
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        heard = [group.create_task(_hear(site, 20, listening)) for _ in range(200)]
        await listening.wait()
        monkeypatch.setattr(service, "read_page", counted)
        began = time.monotonic()
        for number in range(20):
            await site.say(number)
    elapsed = time.monotonic() - began
    assert all(task.result() == names(*range(20)) for task in heard)
    assert 0 < reads <= elapsed / endpoint.POLL_S + 2


async def _hear(site: Site, count: int, listening: asyncio.Barrier) -> list[str]:
    async with site.stream() as reader:
        await listening.wait()
        return await reader.subjects(count)


async def test_who_is_far_behind_reads_the_journal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "KEPT", 3)
    async with site.stream() as first:
        for number in range(10):
            await site.say(number)
        assert await first.subjects(10) == names(*range(10))
        async with site.stream(**{"from": "start"}) as reader:
            await site.say(10)
            assert await reader.subjects(11) == names(*range(11))


async def test_the_feed_stops_reading_when_nobody_watches(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.stream() as reader:
        await site.say(1)
        await reader.next()
    await asyncio.sleep(0.3)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "stream"]
    monkeypatch.setattr(endpoint, "POLL_S", 0.01)
    async with site.stream() as reader:
        await site.say(2)
        assert await reader.subjects(1) == names(2)


async def test_assignments_are_shown(site: Site) -> None:
    id_ = named("incident", 1)
    event = Assigned(
        at=START, incident_id=id_, assignment_id=id_, offer_id=id_, volunteer_id=id_, seat=1, role="first"
    )
    async with site.stream() as reader:
        async with transaction(site.uow.pool) as connection:
            entry = Entry(id_, event, site.organisation, "actual", str(id_), START, START)
            await append(connection, [entry], START)
        assert (await reader.next())["event"] == "assignment.assigned.v1"
