"""The largest request body that is accepted."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.http.problems import problem


class BodyLimit:
    """Reject a body whose Content-Length is too large, and one that exceeds the limit while it is read."""

    def __init__(self, app: ASGIApp, max_bytes: int, by_path: Mapping[str, int]) -> None:
        """Limit bodies to `max_bytes`, except on the paths that have a limit of their own."""
        self.app = app
        self._max_bytes = max_bytes
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; respond 413 to a body that is too large."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        limit = self._by_path.get(scope["path"], self._max_bytes)
        detail = f"the body is larger than {limit} bytes"
        if _content_length(scope) > limit:
            return await problem(413, detail)(scope, receive, send)
        size = 0

        async def receive_and_count() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(413, detail)
            return message

        return await self.app(scope, receive_and_count, send)


def _content_length(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
