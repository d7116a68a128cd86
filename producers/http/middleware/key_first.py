"""The key before the body: what a request without a permitted key sends is never read."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from producers.http.auth import RequiredScope

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class KeyFirstRoute(APIRoute):
    """A route that checks the key of a request first: FastAPI alone reads and parses the body before any dependency."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler of requests with a permitted key."""
        handle = self.get_keyed_handler()
        checks = tuple(_checks(self.dependant))

        async def handle_after_key(request: Request) -> Response:
            for check in checks:
                await check(request)
            return await handle(request)

        return handle_after_key

    def get_keyed_handler(self) -> Handler:
        """Return the handler of requests with a permitted key."""
        return super().get_route_handler()


def _checks(dependant: Dependant) -> Iterator[RequiredScope]:
    """Yield the dependencies of a route that check the key."""
    for one in dependant.dependencies:
        if isinstance(one.call, RequiredScope):
            yield one.call
        yield from _checks(one)
