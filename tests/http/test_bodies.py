"""Bodies over a real socket: none is read before its key is known, and none may be too slow or too large."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from starlette.types import Message

from dispatch.clock import MovableClock
from dispatch.runtime import http_server
from dispatch.runtime.http_server import HttpServer
from dispatch.services.core.unit_of_work import UnitOfWork
from producers.http.app import build
from producers.http.middleware.body_limit import Allowance, BodyRules
from tests.http.routes import IDS, REST, ROUTES, UNKNOWN_ID
from tests.http.site import GATEWAYS, SECRET, Site, served
from tests.support.scene import Scene

KEYED_S, KEYLESS_S, HEAD_S = 0.6, 0.3, 0.3
RULES = BodyRules(
    keyed=Allowance(2_000, KEYED_S),
    keyless=Allowance(1_000, KEYLESS_S),
    by_path={"/v1/volunteers/import": Allowance(8 * 1024 * 1024, KEYED_S)},
    waiting=2,
)
WITH_BODIES = [(method, path) for method, path in ROUTES if method != "GET"]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def app(pool: asyncpg.Pool, clock: MovableClock) -> FastAPI:
    uow = UnitOfWork(pool, clock)
    return build(uow, gateways=GATEWAYS, secret=SECRET, readiness=dict, body_rules=RULES)


@pytest.fixture
async def site(
    app: FastAPI, pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setattr(http_server, "HEAD_S", HEAD_S)
    monkeypatch.setattr(http_server, "LINGER_S", 0.2)
    async with served(HttpServer(app, "127.0.0.1", 0)) as client:
        yield Site(await Scene.open(UnitOfWork(pool, clock)), client, {})


def head(method: str, path: str, **headers: object) -> bytes:
    """Return the head of a request; the names of headers are written with underscores."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "a", **headers}.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


async def exchange(site: Site, *parts: bytes, every: float = 0.0) -> bytes:
    """Send parts, one after another, until the server closes the connection; return all that it sent."""
    url = site.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    receiving = asyncio.create_task(reader.read())
    try:
        async with asyncio.timeout(10):
            for part in parts:
                if receiving.done():
                    break
                writer.write(part)
                await asyncio.sleep(every)
            return await receiving
    except ConnectionError:
        return await receiving
    finally:
        writer.close()


def trickle(count: int = 100) -> Iterable[bytes]:
    return [b"x"] * count


def status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


async def called(app: FastAPI, method: str, path: str, headers: dict[str, str]) -> tuple[int, bool]:
    """Call the application with a body of 8 MiB; return the status, and whether it read of the body."""
    statuses: list[int] = []
    read = False

    async def receive() -> Message:
        nonlocal read
        read = True
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    sent = {"content-length": str(8 * 1024 * 1024)} | {name.lower(): value for name, value in headers.items()}
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(), "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()], "client": ("::1", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    return statuses[0], read


@pytest.mark.parametrize(("method", "template"), WITH_BODIES, ids=str)
async def test_no_route_reads_a_body_before_it_knows_the_key(
    app: FastAPI, site: Site, method: str, template: str
) -> None:
    path = template.format_map(dict.fromkeys(IDS, UNKNOWN_ID) | REST)
    unknown, wrong = {"Authorization": f"Bearer rk_{'0' * 12}_{'0' * 40}"}, await site.key("gateway:nobody")
    for idempotent in ({}, {"Idempotency-Key": "1"}):
        assert await called(app, method, path, unknown | idempotent) == (401, False)
        if "answer" not in path:
            assert await called(app, method, path, wrong | idempotent) == (403, False)
        if "gateways" not in path:
            assert await called(app, method, path, idempotent) == (401, False)
    in_query = f"{path}?key={unknown['Authorization'].removeprefix('Bearer ')}"
    assert await called(app, method, in_query, {}) == (401, False)


async def test_eight_mebibytes_without_a_key_are_refused_and_the_refusal_is_read(site: Site) -> None:
    content = b"x" * 8 * 1024 * 1024
    response = await site.client.post("/v1/volunteers/import", content=content)
    assert (response.status_code, response.headers["connection"]) == (401, "close")
    only_head = head("POST", "/v1/volunteers/import", Content_Length=len(content))
    assert status(await exchange(site, only_head)) == 401


async def test_a_body_that_trickles_is_given_up(site: Site) -> None:
    key = (await site.key("reports:write"))["Authorization"]
    start = head("POST", "/v1/reports", Authorization=key, Content_Length=2_000)
    began = asyncio.get_running_loop().time()
    response = await exchange(site, start, *trickle(), every=0.05)
    assert (status(response), b"connection: close" in response) == (408, True)
    assert KEYED_S <= asyncio.get_running_loop().time() - began < 4 * KEYED_S


@pytest.mark.parametrize(("path", "expected"), [("/v1/gateways/kannel/inbound", 408), ("/a/token", 503)])
async def test_a_body_that_holds_its_key_trickles_for_a_shorter_time(
    site: Site, path: str, expected: int
) -> None:
    start = head("POST", path, Content_Length=900, Content_Type=FORM)
    began = asyncio.get_running_loop().time()
    assert status(await exchange(site, start, *trickle(), every=0.05)) == expected
    assert asyncio.get_running_loop().time() - began < 4 * KEYLESS_S


@pytest.mark.parametrize("path", ["/v1/gateways/kannel/inbound", "/a/token"])
async def test_a_body_that_holds_its_key_is_small(site: Site, path: str) -> None:
    start = head("POST", path, Content_Length=1_001, Content_Type=FORM)
    assert status(await exchange(site, start)) == 413


async def test_a_body_that_comes_soon_is_read_beside_slow_ones_of_its_address_whose_first_is_given_up(
    site: Site,
) -> None:
    path = "/v1/gateways/kannel/receipts"
    start = head("POST", path, Content_Length=10, Content_Type=FORM)
    first = asyncio.create_task(exchange(site, start))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(exchange(site, start))
    await asyncio.sleep(0.05)
    form = f"key={await site.gateway_key()}&message={UNKNOWN_ID}&status=1".encode()
    soon = head("POST", path, Content_Length=len(form), Content_Type=FORM, Connection="close")
    assert status(await exchange(site, soon, form, every=0.05)) == 202
    refused = await first
    assert (status(refused), b"retry-after: " in refused) == (429, True)
    assert status(await second) == 408
    assert status(await exchange(site, start)) == 408


async def test_a_content_length_that_promises_too_much_is_given_up(site: Site) -> None:
    key = (await site.key("console:act"))["Authorization"]
    start = head("PUT", "/v1/duty-contacts", Authorization=key, Content_Length=100)
    assert status(await exchange(site, start + b"[]")) == 408


async def test_what_follows_a_content_length_that_promises_too_little_is_no_request(site: Site) -> None:
    key = (await site.key("console:act"))["Authorization"]
    start = head(
        "PUT", "/v1/duty-contacts", Authorization=key, Content_Length=2, Content_Type="application/json"
    )
    response = await exchange(site, start + b"[] GARBAGE\r\n\r\n")
    assert response.count(b"HTTP/1.1 ") <= 2
    assert b"HTTP/1.1 400" in response


async def test_a_chunked_body_beyond_the_limit_is_cut_off(site: Site) -> None:
    key = (await site.key("reports:write"))["Authorization"]
    start = head("POST", "/v1/reports", Authorization=key, Transfer_Encoding="chunked")
    chunk = b"%x\r\n%s\r\n" % (500, b"x" * 500)
    response = await exchange(site, start, *[chunk] * 50, every=0.01)
    assert (status(response), b"connection: close" in response) == (413, True)


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Content-Length: 2\r\nContent-Length: 3",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
    ],
)
async def test_a_body_framed_in_two_ways_is_refused(site: Site, framing: str) -> None:
    key = (await site.key("console:act"))["Authorization"]
    start = f"POST /v1/pause HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\n{framing}\r\n\r\n"
    assert status(await exchange(site, start.encode() + b"2\r\n[]\r\n0\r\n\r\n")) == 400
    assert await site.scene.uow.pool.fetchval("SELECT paused_at FROM organisations") is None


@pytest.mark.parametrize("start", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: "])
async def test_headers_that_never_end_are_given_up(site: Site, start: bytes) -> None:
    began = asyncio.get_running_loop().time()
    parts = [start, *trickle()] if start else [b""]
    assert status(await exchange(site, *parts, every=0.05)) == 408
    assert HEAD_S <= asyncio.get_running_loop().time() - began < 5 * HEAD_S


async def test_empty_lines_between_requests_do_not_keep_a_connection(site: Site) -> None:
    request = head("GET", "/healthz")
    response = await exchange(site, request, *[b"\r\n"] * 100, every=0.05)
    assert [int(one) for one in re.findall(rb"HTTP/1\.1 (\d+)", response)] == [200, 408]


async def test_a_connection_serves_one_request_after_another(site: Site) -> None:
    key = await site.key("console:act")
    for _ in range(3):
        assert (await site.client.put("/v1/duty-contacts", json=[], headers=key)).status_code == 204
        await asyncio.sleep(HEAD_S * 1.2)


def test_a_server_speaks_http_alone(app: FastAPI) -> None:
    config = HttpServer(app, "127.0.0.1", 0).config
    config.load()
    assert config.ws_protocol_class is None
