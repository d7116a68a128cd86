"""The log entry and the duration metric of each request."""

import time
from typing import Any

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dispatch import metrics
from dispatch.services.access import keys
from dispatch.services.access.keys import Key
from producers.http.auth import presented_key

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
REFUSALS = {401, 403, 404, 413, 429}

log = structlog.get_logger()


class RequestLog:
    """Log each request under the pattern of its route, since the path itself may hold a token or a key.

    The entry is written when the response begins, since a stream may last for days. `request.state.began` is when the
    request arrived, in seconds of `time.perf_counter`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; record its status, 500 where there was no response, and its duration."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        state, began = scope.setdefault("state", {}), time.perf_counter()
        state["began"] = began
        recorded = False

        def record(status: int) -> None:
            nonlocal recorded
            if not recorded:
                recorded = True
                _record(scope, status, time.perf_counter() - began)

        async def send_and_observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                record(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_and_observe)
        finally:
            record(500)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "none")
    method = scope["method"] if scope["method"] in METHODS else "other"
    metrics.REQUESTS.labels(method, route, str(status)).observe(seconds)
    write = log.warning if status in REFUSALS else log.info
    ms = round(seconds * 1000, 1)
    write(
        "request", method=method, route=route, status=status, ms=ms, client=_client(scope), **_reader(scope)
    )


def _client(scope: Scope) -> str | None:
    """Return the address that sent the request: the proxy's own where it is not configured as one."""
    client = scope.get("client")
    return client and client[0]


def _reader(scope: Scope) -> dict[str, Any]:
    """Return who reads: a key by its public id, or the offer of a volunteer's page; what was refused proves neither."""
    state = scope["state"]
    key = state.get("key")
    if isinstance(key, Key):
        return {"key": key.id}
    if state.get("offer_id"):
        return {"offer_id": str(state["offer_id"])}
    presented = state.get("presented_id") or keys.public_id(presented_key(HTTPConnection(scope)))
    return {"presented_id": presented} if presented else {}
