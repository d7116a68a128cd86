"""The deadline of a request, by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from producers.http.middleware.deadline import Deadline


async def slow_to_respond(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.sleep(10)
    await PlainTextResponse("late")(_scope, receive, send)


async def slow_to_finish(scope: Scope, receive: Receive, send: Send) -> None:
    async def parts() -> AsyncIterator[str]:
        for part in "abc":
            yield part
            await asyncio.sleep(0.1)

    await StreamingResponse(parts())(scope, receive, send)


async def messages_of(app: Deadline, path: str = "/", body_after_s: float = 0) -> list[Message]:
    """Send one request to an application; return what it sent."""
    sent: list[Message] = []
    body_sent = False

    async def receive() -> Message:
        nonlocal body_sent
        if body_sent:
            await asyncio.Event().wait()
        body_sent = True
        await asyncio.sleep(body_after_s)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sent


def timeout_response(_scope: Scope) -> PlainTextResponse:
    return PlainTextResponse("timed out", 503)


async def test_a_route_that_takes_too_long_is_cancelled_and_a_response_sent_in_its_place() -> None:
    ended = asyncio.Event()

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await slow_to_respond(scope, receive, send)
        finally:
            ended.set()

    sent = await messages_of(Deadline(work, 0.05, {}, timeout_response))
    assert [message.get("status", message.get("body")) for message in sent] == [503, b"timed out"]
    await asyncio.wait_for(ended.wait(), 1)
    assert len(sent) == 2


async def test_a_response_that_has_begun_may_outlast_the_deadline() -> None:
    sent = await messages_of(Deadline(slow_to_finish, 0.05, {}, timeout_response))
    assert b"".join(message.get("body", b"") for message in sent) == b"abc"


async def test_the_time_that_a_body_takes_to_arrive_does_not_count() -> None:
    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await PlainTextResponse("done")(scope, receive, send)

    assert (await messages_of(Deadline(work, 0.05, {}, timeout_response), body_after_s=0.2))[0][
        "status"
    ] == 200


async def test_a_path_may_have_a_longer_deadline() -> None:
    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await PlainTextResponse("done")(scope, receive, send)

    app = Deadline(work, 0.05, {"/long": 5}, timeout_response)
    assert (await messages_of(app, "/long"))[0]["status"] == 200
    assert (await messages_of(app, "/short"))[0]["status"] == 503


async def test_an_error_of_a_route_is_raised_unchanged() -> None:
    async def work(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError("bug")

    with pytest.raises(LookupError):
        await messages_of(Deadline(work, 5, {}, timeout_response))
