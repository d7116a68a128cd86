"""`Idempotency-Key`: a write that is sent again is answered as the first time, and not done again."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from dispatch.services.access import idempotency
from dispatch.services.access.idempotency import Claim
from dispatch.services.core.errors import InvalidError
from producers.http.auth import known, uow_of

HEADER = "Idempotency-Key"
LONGEST = 200
REPLAYED = {"Idempotency-Replayed": "true"}
CLIENT_ERRORS, SERVER_ERRORS = 400, 500

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose writes may carry an `Idempotency-Key`."""

    def get_route_handler(self) -> Handler:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            name = request.headers.get(HEADER)
            authorization = request.headers.get("Authorization", "")
            if name is None or request.method == "GET":
                return await handle(request)
            key = await known(request, authorization.removeprefix("Bearer "))
            return await _once(_Asked(request, handle, await _claim(request, key.id, name)))

        return once


@dataclass(frozen=True, slots=True)
class _Asked:
    request: Request
    handle: Handler
    claim: Claim


async def _claim(request: Request, api_key: str, name: str) -> Claim:
    if not (0 < len(name) <= LONGEST and name.isprintable()):
        raise InvalidError(HEADER, f"1 to {LONGEST} printable characters")
    what = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return Claim(api_key, name, sha256(what + await request.body()).digest())


async def _once(asked: _Asked) -> Response:
    uow = uow_of(asked.request)
    kept = await idempotency.claim(uow, asked.claim)
    if kept is not None:
        return Response(kept.body, kept.status, REPLAYED, media_type="application/json")
    try:
        response = await asked.handle(asked.request)
    except BaseException:
        # It may come again and be tried. Where a commit went unanswered it was done: then it is for the domain to see.
        await idempotency.free(uow, asked.claim)
        raise
    await idempotency.settle(uow, asked.claim, response.status_code, bytes(response.body))
    return response
