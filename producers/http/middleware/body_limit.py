"""How large a request's body may be and how long it may take, more strictly before the key is known."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dispatch.services.access.keys import Key

RETRY_AFTER_S = 4
Parts = dict["asyncio.Future[Message]", float]
"""The parts of bodies without a key that one address lets us wait for, each with the end of its body."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The largest body, and the seconds from the first wait for it until it has arrived."""

    max_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BodyRules:
    """What a body is allowed with a key that is known, on the paths that have an allowance of their own, and without.

    `waiting` is how many bodies without a key one client address may let us wait for at once. One more, and the body
    that has been awaited longest is given up: who sends at once is served beside those who do not.
    """

    keyed: Allowance = Allowance(64 * 1024, 20)
    keyless: Allowance = Allowance(64 * 1024, 4)
    by_path: Mapping[str, Allowance] = field(default_factory=dict)
    waiting: int = 32


class BodyLimit:
    """Stop reading a body that is too large, too slow, or one too many of its client address.

    Where the response begins before the body has arrived, the connection ends with it: nobody reads the rest.
    """

    def __init__(self, app: ASGIApp, rules: BodyRules) -> None:
        """Apply these rules to every request."""
        self.app = app
        self._rules = rules
        self._waiting: dict[str, Parts] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; raise HTTPException 408, 413 or 429 where the route reads a body beyond the limits."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = _Body(scope, receive, self._rules, self._waiting)

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.complete:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        return await self.app(scope, body.receive, send_and_close)


class _Body:
    """The body of one request while it arrives."""

    def __init__(self, scope: Scope, receive: Receive, rules: BodyRules, waiting: dict[str, Parts]) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        self._declared = int(length) if length.isdigit() else 0
        self.complete = not self._declared and "transfer-encoding" not in headers
        self._scope = scope
        self._receive = receive
        self._rules = rules
        self._waiting = waiting
        self._size = 0
        self._ends_at: float | None = None

    async def receive(self) -> Message:
        """Return the next part; what follows the body is passed through."""
        if self.complete:
            return await self._receive()
        allowance = self._allowance()
        self._check_size(max(self._declared, self._size), allowance)
        message = await self._next(allowance)
        self._size += len(message.get("body", b""))
        self._check_size(self._size, allowance)
        self.complete = not message.get("more_body", False)
        return message

    @property
    def _keyless(self) -> bool:
        return not isinstance(self._scope["state"].get("key"), Key)

    def _allowance(self) -> Allowance:
        if self._keyless:
            return self._rules.keyless
        return self._rules.by_path.get(self._scope["path"], self._rules.keyed)

    async def _next(self, allowance: Allowance) -> Message:
        """Receive a part, which nearly always is here already: only one that is not yet must be waited for."""
        part = asyncio.ensure_future(self._receive())
        try:
            await asyncio.sleep(0)
            if not part.done():
                await self._wait(part, allowance)
            return part.result()
        finally:
            part.cancel()

    async def _wait(self, part: "asyncio.Future[Message]", allowance: Allowance) -> None:
        loop = asyncio.get_running_loop()
        if self._ends_at is None:
            self._ends_at = loop.time() + allowance.seconds
        patience = max(0, self._ends_at - loop.time())
        if not self._keyless:
            return await self._in_time(part, patience, allowance)
        address = (self._scope.get("client") or ("unknown",))[0]
        parts = self._waiting.setdefault(address, {})
        parts[part] = self._ends_at
        if len(parts) > self._rules.waiting:
            oldest = min(parts, key=parts.__getitem__)
            del parts[oldest]
            oldest.cancel()
        try:
            await self._in_time(part, patience, allowance)
        finally:
            parts.pop(part, None)
            if not parts:
                self._waiting.pop(address, None)

    @staticmethod
    async def _in_time(part: "asyncio.Future[Message]", patience: float, allowance: Allowance) -> None:
        """Wait for a part; raises HTTPException where it is late, or was cancelled in favour of a newer body."""
        await asyncio.wait([part], timeout=patience)
        if part.cancelled():
            detail = "too many requests from this address have not sent their body: send it at once"
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(RETRY_AFTER_S)})
        if not part.done():
            detail = f"the body has not arrived within {allowance.seconds:g} seconds: send the request again"
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail)

    @staticmethod
    def _check_size(size: int, allowance: Allowance) -> None:
        if size > allowance.max_bytes:
            detail = f"the body is larger than {allowance.max_bytes} bytes"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
