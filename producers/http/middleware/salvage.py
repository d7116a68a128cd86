"""Life-threatening reports that are not valid: the route handles them again, without what cannot be read."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message

from dispatch.services.intake.salvaging import salvage_report
from producers.http.auth import uow_of
from schemas.reports import ReportBody
from schemas.salvage import Salvaged, read_object

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

log = structlog.get_logger()


class SalvagingRoute(APIRoute):
    """A route for reports; a valid one passes as on any other route."""

    def get_route_handler(self) -> Handler:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def handle_or_salvage(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException) as refused:
                salvaged = await _salvaged(request, refused)
                if salvaged is None:
                    raise
            request.state.salvaged = salvaged
            log.warning("a report was not valid", dropped=salvaged.dropped)
            return await handle(_with_body(request, salvaged.report))

        return handle_or_salvage


def salvaged_of(request: Request) -> Salvaged[ReportBody] | None:
    """Return what was salvaged of the report of a request, if it was not valid."""
    found = getattr(request.state, "salvaged", None)
    return found if isinstance(found, Salvaged) else None


async def _salvaged(
    request: Request, refused: RequestValidationError | HTTPException
) -> Salvaged[ReportBody] | None:
    # FastAPI answers 400 to a body whose characters are broken.
    malformed = isinstance(refused, RequestValidationError) or refused.status_code == HTTPStatus.BAD_REQUEST
    if not malformed or request.method != "POST":
        return None
    return salvage_report(read_object(await request.body()), uow_of(request).clock.now())


def _with_body(request: Request, report: ReportBody) -> Request:
    """Return the request as if it had been sent with a valid report."""
    body = report.model_dump_json().encode()
    headers = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
    scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)
