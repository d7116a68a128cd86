"""The longest time that a client waits for a response, even while the database hangs."""

import asyncio
from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TimeoutResponse = Callable[[Scope], Response]


class Deadline:
    """Respond in place of a route that has not begun its response in time, and cancel the route."""

    def __init__(
        self, app: ASGIApp, seconds: float, by_path: Mapping[str, float], on_timeout: TimeoutResponse
    ) -> None:
        """Wait for `seconds`, except on the paths that have a deadline of their own."""
        self.app = app
        self._seconds = seconds
        self._by_path = by_path
        self._on_timeout = on_timeout
        self._cancelled: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and wait until its deadline."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = TimedExchange(receive, send, self._by_path.get(scope["path"], self._seconds))
        route = asyncio.create_task(self._run(scope, exchange))
        try:
            if await exchange.in_time:
                return await route
        finally:
            exchange.stop_timer()
            if not route.done():
                self._cancel(route)
        return await self._on_timeout(scope)(scope, receive, send)

    async def _run(self, scope: Scope, exchange: "TimedExchange") -> None:
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            exchange.resolve(in_time=True)

    def _cancel(self, route: asyncio.Task[None]) -> None:
        # Not awaited: it ends only when the database confirms that it has cancelled the statement.
        route.cancel()
        self._cancelled.add(route)
        route.add_done_callback(self._discard)

    def _discard(self, route: asyncio.Task[None]) -> None:
        self._cancelled.discard(route)
        if not route.cancelled():
            # Retrieve the exception, or asyncio logs that nobody did.
            route.exception()


class TimedExchange:
    """One request and its response; the time that the client takes to send the body does not count."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.in_time: asyncio.Future[bool] = self._loop.create_future()
        self._receive = receive
        self._send = send
        self._seconds = seconds
        self._start_timer()

    async def receive(self) -> Message:
        """Receive the next part of the body with the timer stopped, then restart the timer."""
        self._timer.cancel()
        message = await self._receive()
        self._start_timer()
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the response; discard it where the deadline has passed."""
        self.resolve(in_time=True)
        if self.in_time.result():
            await self._send(message)

    def resolve(self, *, in_time: bool) -> None:
        """Record whether the response came in time; only the first call counts."""
        if not self.in_time.done():
            self.in_time.set_result(in_time)

    def stop_timer(self) -> None:
        """Let the deadline pass without effect."""
        self._timer.cancel()

    def _start_timer(self) -> None:
        self._timer = self._loop.call_later(self._seconds, lambda: self.resolve(in_time=False))
