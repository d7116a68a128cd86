"""Readiness and responses while the database is unavailable, or hangs without closing connections."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from starlette.types import ASGIApp, Message

from dispatch.clock import Clock, MovableClock
from dispatch.embedded import EmbeddedPostgres
from dispatch.services.access import keys
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import tokens
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool, transaction
from producers.http.app import build
from tests.domain.builders import PLACE
from tests.http.site import SECRET, Site, problem_fields, report_body, serve
from tests.support.scene import Scene, phone

POOL_SIZE = 3
RESPONSE_LIMIT_S = 7.0


@dataclass
class FreezableSite:
    """An application on a database server of its own, which a test can freeze."""

    postgres: EmbeddedPostgres
    app: ASGIApp
    client: httpx.AsyncClient
    scene: Scene
    key: dict[str, str]
    link: str

    def signal_database(self, number: signal.Signals) -> None:
        """Send a signal to the server and to the processes of its sessions."""
        server = psutil.Process(self.postgres.pid)
        for process in (server, *server.children(recursive=True)):
            process.send_signal(number)

    async def ask(self, method: str, url: str, **body: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        """Make a request with the key; fail where the response takes too long."""
        began = time.monotonic()
        response = await self.client.request(method, url, headers=self.key, **body)
        assert time.monotonic() - began < RESPONSE_LIMIT_S
        return response

    async def report(self, id_: str) -> httpx.Response:
        """Submit a report."""
        return await self.ask("POST", "/v1/reports", json={
            "id": id_, "kind": "medical.fall", "severity": "urgent", "position": PLACE.model_dump(),
            "occurred_at": self.scene.now.isoformat(),
        })  # fmt: skip


@pytest.fixture
async def freezable(tmp_path: Path) -> AsyncIterator[FreezableSite]:
    async with EmbeddedPostgres(tmp_path, fsync=False) as postgres:
        await migrate(postgres.url())
        pool = await open_pool(postgres.url(), application="tests", size=POOL_SIZE)
        uow = UnitOfWork(pool, Clock())
        scene = await Scene.open(uow)
        offer = await scene.offer()
        token = tokens.derive(SECRET, offer.id, 0)
        async with transaction(pool) as connection:
            await tokens.store(connection, token, offer.id, 0, scene.now)
        key = await keys.create(uow, organisation=scene.organisation, scopes=["admin"], holder="Ada")
        app = build(uow, gateways=GatewayRegistry(()), secret=SECRET, readiness=dict)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://renfort", timeout=None) as client:
            found = FreezableSite(
                postgres, app, client, scene, {"Authorization": f"Bearer {key}"}, f"/a/{token}"
            )
            try:
                yield found
            finally:
                found.signal_database(signal.SIGCONT)
        pool.terminate()


async def test_without_a_database_nothing_is_accepted_and_retry_after_is_set(
    database: str, clock: MovableClock
) -> None:
    pool = await open_pool(database, application="tests", size=2)
    uow = UnitOfWork(pool, clock)
    state = {"postgres": False, "kafka": True}
    async with serve(uow, state) as client:
        site = Site(await Scene.open(uow), client, state)
        key = await site.key("reports:write")
        link = await site.link()
        await pool.close()
        response = await client.post("/v1/reports", json=report_body(site), headers=key)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        problem_fields(response)
        for method in ("GET", "POST"):
            page = await client.request(method, link, data={"answer": "accepted"})
            assert page.status_code == 503
            assert "Un instant" in page.text
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503


async def test_a_process_is_ready_when_all_its_dependencies_work(site: Site) -> None:
    assert (await site.client.get("/readyz")).status_code == 200
    site.readiness["kafka"] = False
    response = await site.client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"postgres": True, "kafka": False})


async def test_while_the_database_hangs_clients_get_503_and_no_report_is_lost_after(
    freezable: FreezableSite,
) -> None:
    assert (await freezable.report("before")).status_code == 202
    freezable.signal_database(signal.SIGSTOP)
    *rejected, page_read, page_answered = await asyncio.gather(
        *(freezable.report(f"meanwhile-{number}") for number in range(2 * POOL_SIZE)),
        freezable.ask("GET", freezable.link),
        freezable.ask("POST", freezable.link, data={"answer": "accepted"}),
    )
    for response in rejected:
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert int(response.headers["Retry-After"]) > 0
    for page in (page_read, page_answered):
        assert (page.status_code, "Un instant" in page.text) == (503, True)
    assert "renfort_database_up 0.0" in (await freezable.ask("GET", "/metrics")).text
    freezable.signal_database(signal.SIGCONT)
    again = await asyncio.gather(
        *(freezable.report(f"meanwhile-{number}") for number in range(2 * POOL_SIZE))
    )
    assert {response.status_code for response in again} <= {200, 202}
    assert (await freezable.ask("POST", freezable.link, data={"answer": "accepted"})).status_code == 200
    assert await freezable.scene.uow.pool.fetchval("SELECT count(*) FROM reports") == 2 * POOL_SIZE + 1
    assert phone(0) not in page_read.text


async def test_an_answer_counts_though_the_client_disconnects_while_the_database_hangs(
    freezable: FreezableSite,
) -> None:
    disconnected = asyncio.Event()

    async def receive() -> Message:
        if disconnected.is_set():
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"answer=accepted"}

    async def send(_message: Message) -> None:
        """Discard the response."""

    freezable.signal_database(signal.SIGSTOP)
    scope = {
        "type": "http", "method": "POST", "path": freezable.link, "query_string": b"", "http_version": "1.1",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }  # fmt: skip
    answering = asyncio.ensure_future(freezable.app(scope, receive, send))
    await asyncio.sleep(0.3)
    disconnected.set()
    freezable.signal_database(signal.SIGCONT)
    await answering
    assert await freezable.scene.uow.pool.fetchval("SELECT answer FROM replies") == "accepted"
