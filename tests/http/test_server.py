"""The HTTP server on a socket: limits that no route sees, and a stop that finishes what has begun."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from dispatch.clock import MovableClock
from dispatch.runtime import http_server
from dispatch.runtime.http_server import MAX_HEAD_BYTES, HttpServer
from dispatch.services.core.unit_of_work import UnitOfWork
from producers.http.app import build
from tests.http.site import GATEWAYS, SECRET, Site, report_body, served
from tests.support.scene import Scene


@pytest.fixture
def server(pool: asyncpg.Pool, clock: MovableClock) -> HttpServer:
    app = build(UnitOfWork(pool, clock), gateways=GATEWAYS, secret=SECRET, readiness=dict)
    return HttpServer(app, "127.0.0.1", 0)


@pytest.fixture
async def site(server: HttpServer, pool: asyncpg.Pool, clock: MovableClock) -> AsyncIterator[Site]:
    async with served(server) as client:
        yield Site(await Scene.open(UnitOfWork(pool, clock)), client, {})


@asynccontextmanager
async def connection(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = site.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def send(site: Site, parts: Iterator[bytes]) -> bytes:
    """Send parts until the server closes the connection; return what it sent."""
    async with connection(site) as (reader, writer), asyncio.timeout(20):
        received = asyncio.create_task(reader.read())
        for part in parts:
            if received.done():
                break
            try:
                writer.write(part)
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0.001)
        return await received


def endless(start: bytes) -> Iterator[bytes]:
    yield start
    for _ in range(2_000):
        yield b"x" * 1024


@pytest.mark.parametrize(
    ("proxies", "client"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")]
)
async def test_a_forwarded_address_counts_only_from_a_configured_proxy(
    pool: asyncpg.Pool, clock: MovableClock, proxies: str, client: str
) -> None:
    structlog.reset_defaults()
    app = build(UnitOfWork(pool, clock), gateways=GATEWAYS, secret=SECRET, readiness=dict)
    with capture_logs() as logs:
        async with served(HttpServer(app, "127.0.0.1", 0, proxies)) as caller:
            # The proxy adds the last one; what stands before it may be anybody's invention.
            await caller.get("/nowhere", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    assert [line["client"] for line in logs if line["event"] == "request"] == [client]


async def test_headers_of_any_length_are_not_buffered(site: Site) -> None:
    response = await send(site, endless(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: "))
    assert response.startswith(b"HTTP/1.1 400")


async def test_trailers_of_any_length_are_not_buffered(site: Site) -> None:
    key = (await site.key("reports:write"))["Authorization"]
    head = (
        f"POST /v1/reports HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for part in endless(head.encode() + b"2\r\n{}\r\n0\r\nX-Long: "):
            sent += len(part)
            yield part

    await send(site, parts())
    assert sent < 10 * MAX_HEAD_BYTES


async def test_a_body_may_be_longer_than_the_headers(site: Site) -> None:
    body = report_body(site) | {"description": "x" * 2_000}
    padded = httpx.Response(200, json=body).content + b" " * 3 * MAX_HEAD_BYTES
    headers = await site.key("reports:write") | {"Content-Type": "application/json"}
    for _ in range(2):
        response = await site.client.post("/v1/reports", content=padded, headers=headers)
        assert response.status_code == 202


async def test_a_server_that_stops_finishes_the_reports_that_it_has_received(
    site: Site, server: HttpServer
) -> None:
    key = await site.key("reports:write")
    await site.scene.uow.pool.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$;"
        "CREATE TRIGGER slow BEFORE INSERT ON reports FOR EACH STATEMENT EXECUTE FUNCTION slow()"
    )
    posts = [
        asyncio.create_task(site.client.post("/v1/reports", json=report_body(site, id=str(n)), headers=key))
        for n in range(5)
    ]
    await asyncio.sleep(0.1)
    server.should_exit = True
    assert [response.status_code for response in await asyncio.gather(*posts)] == [202] * 5
    assert await site.count("reports") == 5


async def test_a_client_that_never_reads_a_long_response_is_disconnected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "STALL_S", 0.2)
    app, ended = FastAPI(), asyncio.Event()

    async def endless_text() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield b"x" * 65_536
        finally:
            ended.set()

    @app.get("/")
    async def respond() -> StreamingResponse:
        return StreamingResponse(endless_text())

    async with served(HttpServer(app, "127.0.0.1", 0)) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(30):
            await ended.wait()
            with suppress(ConnectionError):
                while await reader.read(65_536):
                    pass
        writer.close()
