"""How much a request may send: little, but for sheets of volunteers."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.http.problems import problem


class BodyLimit:
    """Refuse a body that says it is too large before it is read, and one that turns out to be while it is."""

    def __init__(self, app: ASGIApp, largest: int, exceptions: Mapping[str, int]) -> None:
        self.app = app
        self._largest = largest
        self._exceptions = exceptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, counting."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        largest = self._exceptions.get(scope["path"], self._largest)
        refusal = f"the body is larger than {largest} bytes"
        if _announced(scope) > largest:
            return await problem(413, refusal)(scope, receive, send)
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > largest:
                raise HTTPException(413, refusal)
            return message

        return await self.app(scope, counted, send)


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
