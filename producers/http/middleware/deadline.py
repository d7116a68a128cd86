"""How long a caller waits at most: a database that hangs must not hang those who ask."""

import asyncio
from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Late = Callable[[Scope], Response]


class Deadline:
    """Answer in place of a route that has not begun to in time, and give up what it was doing."""

    def __init__(self, app: ASGIApp, seconds: float, exceptions: Mapping[str, float], late: Late) -> None:
        self.app = app
        self._seconds = seconds
        self._exceptions = exceptions
        self._late = late
        self._given_up: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and wait for so long."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = Exchange(receive, send, self._exceptions.get(scope["path"], self._seconds))
        work = asyncio.create_task(self._work(scope, exchange))
        try:
            if await exchange.in_time:
                return await work
        finally:
            exchange.stop()
            if not work.done():
                self._give_up(work)
        return await self._late(scope)(scope, receive, send)

    async def _work(self, scope: Scope, exchange: "Exchange") -> None:
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            exchange.settle(in_time=True)

    def _give_up(self, work: asyncio.Task[None]) -> None:
        # Not waited for: it ends only when the database answers that it has stopped.
        work.cancel()
        self._given_up.add(work)
        work.add_done_callback(self._forget)

    def _forget(self, work: asyncio.Task[None]) -> None:
        self._given_up.discard(work)
        if not work.cancelled():
            work.exception()


class Exchange:
    """One request and its answer; the time that the caller takes to send the body is not counted."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.in_time: asyncio.Future[bool] = self._loop.create_future()
        self._receive = receive
        self._send = send
        self._seconds = seconds
        self._count()

    async def receive(self) -> Message:
        """Take the next part of the body."""
        self._timer.cancel()
        message = await self._receive()
        self._count()
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on, unless it comes too late."""
        self.settle(in_time=True)
        if self.in_time.result():
            await self._send(message)

    def settle(self, *, in_time: bool) -> None:
        """Note, the first time, whether the answer came in time."""
        if not self.in_time.done():
            self.in_time.set_result(in_time)

    def stop(self) -> None:
        """Stop counting."""
        self._timer.cancel()

    def _count(self) -> None:
        self._timer = self._loop.call_later(self._seconds, lambda: self.settle(in_time=False))
