"""`GET /v1/stream` over a real socket: authorization, start, resumption and end."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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
from dispatch.services.console.stream import Cursor
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from producers.http import stream as endpoint
from producers.http.app import build
from producers.http.stream import StreamLimits
from schemas.base import Mode
from schemas.ids import named
from schemas.incidents import IncidentCovered
from schemas.offers import Assigned
from tests.conftest import START
from tests.http.site import StreamReader


@dataclass
class StreamSite:
    """A server, and a key with access to its stream."""

    uow: UnitOfWork
    organisation: UUID
    client: httpx.AsyncClient
    key: str
    stopping: list[bool] = field(default_factory=list)

    @asynccontextmanager
    async def stream(
        self, key: str | None = None, last: str | None = None, **query: str
    ) -> AsyncIterator[StreamReader]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        async with self.client.stream("GET", "/v1/stream", headers=headers, params=query) as response:
            yield StreamReader(response)

    async def publish(self, number: int, organisation: UUID | None = None, mode: Mode = "actual") -> None:
        id_ = named("incident", number)
        event = IncidentCovered(at=START, incident_id=id_)
        entry = Entry(id_, event, organisation or self.organisation, mode, str(id_), START, START)
        async with transaction(self.uow.pool) as connection:
            await append(connection, [entry], START)


def names(*numbers: int) -> list[str]:
    return [str(named("incident", number)) for number in numbers]


@pytest.fixture
def limits() -> StreamLimits:
    return StreamLimits(per_key=300, per_organisation=300)


@pytest.fixture
async def site(pool: asyncpg.Pool, clock: MovableClock, limits: StreamLimits) -> AsyncIterator[StreamSite]:
    uow = UnitOfWork(pool, clock)
    organisation = await organisations.create(uow, "SDIS 67")
    key = await keys.create(uow, organisation=organisation, scopes=["console:read"], holder="Anne Weber")
    stopping: list[bool] = []
    router = endpoint.router(uow, lambda: bool(stopping), limits)
    app = build(uow, gateways=GatewayRegistry(()), secret=bytes(32), readiness=dict, extra=[router])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5))
    serving = asyncio.create_task(server.serve([listening]))
    address = "http://{}:{}".format(*listening.getsockname())
    connections = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=connections) as client:
        yield StreamSite(uow, organisation, client, key, stopping)
    stopping.append(True)
    server.should_exit = True
    await asyncio.wait_for(serving, 10)


async def test_a_committed_event_is_sent_at_once(site: StreamSite) -> None:
    async with site.stream() as reader:
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        await site.publish(1)
        event = await reader.next()
    data = orjson.loads(event["data"])
    assert event["event"] == data["type"] == "incident.covered.v1"
    assert (data["topic"], data["mode"], data["at"], data["sequence"], data["subject"]) == (
        "incident.events", "actual", "2026-11-22T20:00:00+00:00", 1, names(1)[0],
    )  # fmt: skip
    assert data["data"]["incident_id"] == names(1)[0]


async def test_without_an_id_the_stream_begins_now(site: StreamSite) -> None:
    await site.publish(1)
    async with site.stream() as reader:
        await site.publish(2)
        assert await reader.subjects(1) == names(2)


async def test_the_stream_can_begin_at_the_first_event(site: StreamSite) -> None:
    await site.publish(1)
    async with site.stream(**{"from": "start"}) as reader:
        await site.publish(2)
        assert await reader.subjects(2) == names(1, 2)


@pytest.mark.parametrize("how", ["last", "after"])
async def test_a_reader_that_resumes_misses_no_event_and_gets_none_twice(site: StreamSite, how: str) -> None:
    async with site.stream() as reader:
        await site.publish(1)
        await site.publish(2)
        assert await reader.subjects(1) == names(1)
        last = reader.last_id
    await site.publish(3)
    async with site.stream(**{how: last}) as reader:
        await site.publish(4)
        assert await reader.subjects(3) == names(2, 3, 4)


async def test_a_reader_disconnected_before_the_first_event_misses_nothing(site: StreamSite) -> None:
    async with site.stream() as reader:
        text = await anext(aiter(reader.response.aiter_text()))
    place = text.partition("id: ")[2].partition("\n")[0]
    await site.publish(1)
    async with site.stream(after=place) as reader:
        assert await reader.subjects(1) == names(1)


async def test_a_position_from_before_a_restore_restarts_the_stream_with_a_notice(site: StreamSite) -> None:
    await site.publish(1)
    async with site.stream(after="99.1.1") as reader:
        assert (await reader.next())["event"] == "stream.restarted"
        assert await reader.subjects(1) == names(1)


async def test_a_malformed_position_is_rejected(site: StreamSite) -> None:
    async with site.stream(last="x") as reader:
        problem = orjson.loads(await reader.response.aread())
    assert reader.response.headers["content-type"] == "application/problem+json"
    assert (problem["status"], "Last-Event-ID" in problem["detail"]) == (400, True)


async def test_no_reader_gets_events_of_another_organisation(site: StreamSite) -> None:
    other = await organisations.create(site.uow, "SDIS 68")
    async with site.stream() as reader:
        await site.publish(1, other)
        await site.publish(2)
        assert await reader.subjects(1) == names(2)


async def test_a_reader_gets_only_the_topics_and_modes_it_requested(site: StreamSite) -> None:
    async with site.stream(mode="exercise", topic="incident.events") as reader:
        await site.publish(1)
        await site.publish(2, mode="exercise")
        assert await reader.subjects(1) == names(2)


@pytest.mark.parametrize(("scope", "status"), [("console:act", 200), ("admin", 200), ("reports:write", 403)])
async def test_the_stream_requires_a_console_scope(site: StreamSite, scope: str, status: int) -> None:
    key = await keys.create(site.uow, organisation=site.organisation, scopes=[scope], holder="Paul")
    async with site.stream(key=key) as reader:
        assert reader.response.status_code == status


async def test_an_unknown_key_is_rejected(site: StreamSite) -> None:
    async with site.stream(key="rk_0123456789ab_" + "0" * 40) as reader:
        assert reader.response.status_code == 401


async def test_a_missing_key_is_rejected(site: StreamSite) -> None:
    assert (await site.client.get("/v1/stream")).status_code == 401


async def test_a_silent_stream_sends_heartbeats(site: StreamSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEARTBEAT_S", 0.2)
    async with site.stream() as reader:
        assert (await reader.next())[""] == "still here"


async def test_revoking_a_key_ends_its_stream(site: StreamSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "HEARTBEAT_S", 0.2)
    async with site.stream() as reader:
        await keys.revoke(site.uow, site.organisation, site.key.split("_")[1])
        with pytest.raises(EOFError):
            await reader.rest()


async def test_a_revoked_key_reads_nothing_more_after_the_next_heartbeat(
    site: StreamSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "HEARTBEAT_S", 0.5)
    async with site.stream() as reader:
        await site.publish(1)
        await reader.subjects(1)
        await keys.revoke(site.uow, site.organisation, site.key.split("_")[1])
        # News just before the heartbeat must not put the check off by another one.
        await asyncio.sleep(0.4)
        await site.publish(2)
        with pytest.raises(EOFError):
            async with asyncio.timeout(0.5):
                await reader.rest()


async def test_a_stream_ends_cleanly_when_its_process_stops(site: StreamSite) -> None:
    async with site.stream() as reader:
        site.stopping.append(True)
        with pytest.raises(EOFError):
            await reader.next()


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        (StreamLimits(per_key=1), "DISPATCH_STREAMS_PER_KEY"),
        (StreamLimits(per_organisation=1), "DISPATCH_STREAMS_PER_ORGANISATION"),
        (StreamLimits(in_all=1), "DISPATCH_STREAMS"),
    ],
)
async def test_a_stream_too_many_is_refused_with_what_to_do_and_the_next_one_served(
    site: StreamSite, setting: str
) -> None:
    async with site.stream(), site.stream() as second:
        problem = orjson.loads(await second.response.aread())
        assert (second.response.status_code, problem["detail"].endswith(f"raise {setting}")) == (429, True)
        assert second.response.headers["retry-after"]
    while (await _status(site)) == 429:
        await asyncio.sleep(0.02)


async def _status(site: StreamSite) -> int:
    async with site.stream() as reader:
        return reader.response.status_code


@pytest.mark.parametrize("limits", [StreamLimits(per_key=5, per_organisation=8)])
async def test_of_five_hundred_streams_at_once_each_key_and_each_organisation_keeps_its_own(
    site: StreamSite,
) -> None:
    other = await organisations.create(site.uow, "SDIS 68")
    second, foreign = [
        await keys.create(site.uow, organisation=whose, scopes=["console:read"], holder="Paul")
        for whose in (site.organisation, other)
    ]
    attempts = [site.key] * 490 + [second] * 10
    async with AsyncExitStack() as open_streams:
        opened = await asyncio.gather(
            *(open_streams.enter_async_context(site.stream(key=key)) for key in attempts)
        )
        found = Counter((key, one.response.status_code) for key, one in zip(attempts, opened, strict=True))
        assert found == {(site.key, 200): 5, (site.key, 429): 485, (second, 200): 3, (second, 429): 7}
        async with site.stream(key=foreign) as reader:
            await site.publish(1, other)
            assert await reader.subjects(1) == names(1)


async def test_two_hundred_readers_share_one_journal_reader(
    site: StreamSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read_page = service.read_page

    async def counted(source: asyncpg.Pool, organisation: UUID, after: Cursor) -> service.Page:
        nonlocal reads
        reads += 1
        return await read_page(source, organisation, after)

    listening = asyncio.Barrier(201)
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        readers = [group.create_task(_read(site, 20, listening)) for _ in range(200)]
        await listening.wait()
        monkeypatch.setattr(service, "read_page", counted)
        began = time.monotonic()
        for number in range(20):
            await site.publish(number)
    elapsed = time.monotonic() - began
    assert all(task.result() == names(*range(20)) for task in readers)
    assert 0 < reads <= elapsed / endpoint.POLL_S + 2


async def _read(site: StreamSite, count: int, listening: asyncio.Barrier) -> list[str]:
    async with site.stream() as reader:
        await listening.wait()
        return await reader.subjects(count)


async def test_a_reader_far_behind_reads_from_the_journal(
    site: StreamSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "BUFFERED", 3)
    async with site.stream() as first:
        for number in range(10):
            await site.publish(number)
        assert await first.subjects(10) == names(*range(10))
        async with site.stream(**{"from": "start"}) as reader:
            await site.publish(10)
            assert await reader.subjects(11) == names(*range(11))


async def test_the_feed_stops_reading_the_journal_without_readers(
    site: StreamSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.stream() as reader:
        await site.publish(1)
        await reader.next()
    await asyncio.sleep(0.3)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "stream"]
    monkeypatch.setattr(endpoint, "POLL_S", 0.01)
    async with site.stream() as reader:
        await site.publish(2)
        assert await reader.subjects(1) == names(2)


async def test_assignments_are_sent(site: StreamSite) -> None:
    id_ = named("incident", 1)
    event = Assigned(
        at=START, incident_id=id_, assignment_id=id_, offer_id=id_, volunteer_id=id_, seat=1, role="first"
    )
    async with site.stream() as reader:
        async with transaction(site.uow.pool) as connection:
            entry = Entry(id_, event, site.organisation, "actual", str(id_), START, START)
            await append(connection, [entry], START)
        assert (await reader.next())["event"] == "assignment.assigned.v1"
