"""A database that hangs without dying: callers are told in time, and all goes on when it comes back."""

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
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedPostgres
from dispatch.services.access import keys
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import tokens
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool, transaction
from producers.http.app import build
from producers.http.middleware.deadline import Deadline
from tests.domain.builders import PLACE
from tests.support.scene import Scene, phone

SECRET = b"s" * 32
SIZE = 3
SOON_S = 7.0


@dataclass
class House:
    """An app on a database of its own, which a test may freeze."""

    postgres: EmbeddedPostgres
    app: ASGIApp
    client: httpx.AsyncClient
    scene: Scene
    key: dict[str, str]
    link: str

    def freeze(self, number: signal.Signals) -> None:
        """Stop or go on: the server and the processes of its sessions."""
        server = psutil.Process(self.postgres.pid)
        for process in (server, *server.children(recursive=True)):
            process.send_signal(number)

    async def ask(self, method: str, url: str, **body: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
        """Make a request, with the key, which must be answered in time."""
        began = time.monotonic()
        response = await self.client.request(method, url, headers=self.key, **body)
        assert time.monotonic() - began < SOON_S
        return response

    async def report(self, id_: str) -> httpx.Response:
        """Send a report."""
        return await self.ask("POST", "/v1/reports", json={
            "id": id_, "kind": "medical.fall", "severity": "urgent", "position": PLACE.model_dump(),
            "occurred_at": self.scene.now.isoformat(),
        })  # fmt: skip


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with EmbeddedPostgres(tmp_path, fsync=False) as postgres:
        await migrate(postgres.url())
        pool = await open_pool(postgres.url(), application="tests", size=SIZE)
        uow = UnitOfWork(pool, Clock())
        scene = await Scene.open(uow)
        offer = await scene.offer()
        token = tokens.derive(SECRET, offer.id, 0)
        async with transaction(pool) as connection:
            await tokens.note(connection, token, offer.id, 0, scene.now)
        shown = await keys.create(uow, organisation=scene.organisation, scopes=["admin"], holder="Ada")
        app = build(uow, secret=SECRET, readiness=dict)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://renfort", timeout=None) as client:
            found = House(postgres, app, client, scene, {"Authorization": f"Bearer {shown}"}, f"/a/{token}")
            try:
                yield found
            finally:
                found.freeze(signal.SIGCONT)
        pool.terminate()


async def test_while_the_database_hangs_callers_are_told_and_nothing_is_lost_after(house: House) -> None:
    assert (await house.report("before")).status_code == 202
    house.freeze(signal.SIGSTOP)
    *refused, shown, answered = await asyncio.gather(
        *(house.report(f"meanwhile-{number}") for number in range(2 * SIZE)),
        house.ask("GET", house.link),
        house.ask("POST", house.link, data={"answer": "accepted"}),
    )
    for response in refused:
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert int(response.headers["Retry-After"]) > 0
    for page in (shown, answered):
        assert (page.status_code, "Un instant" in page.text) == (503, True)
    assert "renfort_database_up 0.0" in (await house.ask("GET", "/metrics")).text
    house.freeze(signal.SIGCONT)
    again = await asyncio.gather(*(house.report(f"meanwhile-{number}") for number in range(2 * SIZE)))
    assert {response.status_code for response in again} <= {200, 202}
    assert (await house.ask("POST", house.link, data={"answer": "accepted"})).status_code == 200
    assert await house.scene.uow.pool.fetchval("SELECT count(*) FROM reports") == 2 * SIZE + 1
    assert phone(0) not in shown.text


async def test_who_hangs_up_while_the_database_makes_them_wait_has_answered_all_the_same(
    house: House,
) -> None:
    hung_up = asyncio.Event()

    async def receive() -> Message:
        if hung_up.is_set():
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"answer=accepted"}

    async def send(_message: Message) -> None:
        """Say it to nobody."""

    house.freeze(signal.SIGSTOP)
    scope = {
        "type": "http", "method": "POST", "path": house.link, "query_string": b"", "http_version": "1.1",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }  # fmt: skip
    answering = asyncio.ensure_future(house.app(scope, receive, send))
    await asyncio.sleep(0.3)
    hung_up.set()
    house.freeze(signal.SIGCONT)
    await answering
    assert await house.scene.uow.pool.fetchval("SELECT answer FROM replies") == "accepted"


# The deadline by itself


async def slow_to_answer(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.sleep(10)
    await PlainTextResponse("late")(_scope, receive, send)


async def slow_to_end(scope: Scope, receive: Receive, send: Send) -> None:
    async def parts() -> AsyncIterator[str]:
        for part in "abc":
            yield part
            await asyncio.sleep(0.1)

    await StreamingResponse(parts())(scope, receive, send)


async def asked(app: Deadline, path: str = "/", body_after_s: float = 0) -> list[Message]:
    """Ask an app; return what it sent."""
    sent: list[Message] = []
    told = False

    async def receive() -> Message:
        nonlocal told
        if told:
            await asyncio.Event().wait()
        told = True
        await asyncio.sleep(body_after_s)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sent


def late(_scope: Scope) -> PlainTextResponse:
    return PlainTextResponse("given up", 503)


async def test_what_takes_too_long_is_answered_for_and_stopped() -> None:
    ended = asyncio.Event()

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await slow_to_answer(scope, receive, send)
        finally:
            ended.set()

    sent = await asked(Deadline(work, 0.05, {}, late))
    assert [message.get("status", message.get("body")) for message in sent] == [503, b"given up"]
    await asyncio.wait_for(ended.wait(), 1)
    assert len(sent) == 2


async def test_what_has_begun_to_answer_may_take_its_time() -> None:
    sent = await asked(Deadline(slow_to_end, 0.05, {}, late))
    assert b"".join(message.get("body", b"") for message in sent) == b"abc"


async def test_the_time_that_a_body_takes_to_arrive_is_the_callers() -> None:
    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await PlainTextResponse("done")(scope, receive, send)

    assert (await asked(Deadline(work, 0.05, {}, late), body_after_s=0.2))[0]["status"] == 200


async def test_a_route_may_have_longer() -> None:
    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await PlainTextResponse("done")(scope, receive, send)

    app = Deadline(work, 0.05, {"/long": 5}, late)
    assert (await asked(app, "/long"))[0]["status"] == 200
    assert (await asked(app, "/short"))[0]["status"] == 503


async def test_an_error_of_a_route_is_still_its_error() -> None:
    async def work(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError("bug")

    with pytest.raises(LookupError):
        await asked(Deadline(work, 5, {}, late))
