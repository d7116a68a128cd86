"""`Idempotency-Key`: a write that is sent again gets the first response and is not performed again."""

from dataclasses import dataclass
from hashlib import sha256

from fastapi import Request, Response

from dispatch.services.access import idempotency
from dispatch.services.access.idempotency import IdempotencyClaim
from dispatch.services.core.errors import InvalidError
from producers.http.auth import authenticate, presented_key, uow_of
from producers.http.middleware.key_first import Handler, KeyFirstRoute

HEADER = "Idempotency-Key"
MAX_LENGTH = 200
REPLAYED = {"Idempotency-Replayed": "true"}


class IdempotentRoute(KeyFirstRoute):
    """A route whose writes may carry an `Idempotency-Key`."""

    def get_keyed_handler(self) -> Handler:
        """Wrap the handler of requests with a permitted key."""
        handle = super().get_keyed_handler()

        async def handle_once(request: Request) -> Response:
            idempotency_key = request.headers.get(HEADER)
            if idempotency_key is None or request.method == "GET":
                return await handle(request)
            key = await authenticate(request, presented_key(request))
            return await _once(
                _ClaimedRequest(request, handle, await _claim(request, key.id, idempotency_key))
            )

        return handle_once


@dataclass(frozen=True, slots=True)
class _ClaimedRequest:
    request: Request
    handle: Handler
    claim: IdempotencyClaim


async def _claim(request: Request, api_key: str, idempotency_key: str) -> IdempotencyClaim:
    if not (0 < len(idempotency_key) <= MAX_LENGTH and idempotency_key.isprintable()):
        raise InvalidError(HEADER, f"1 to {MAX_LENGTH} printable characters")
    address = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return IdempotencyClaim(api_key, idempotency_key, sha256(address + await request.body()).digest())


async def _once(claimed: _ClaimedRequest) -> Response:
    uow = uow_of(claimed.request)
    first = await idempotency.claim(uow, claimed.claim)
    if first is not None:
        return Response(first.body, first.status, REPLAYED, media_type="application/json")
    try:
        response = await claimed.handle(claimed.request)
    except BaseException:
        # The client may send it again. Where a commit went unconfirmed, the domain recognises the repetition.
        await idempotency.free(uow, claimed.claim)
        raise
    await idempotency.complete(uow, claimed.claim, response.status_code, bytes(response.body))
    return response
