"""Errors as RFC 9457 problem documents, which name the invalid fields and never repeat their values."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from dispatch.domain.errors import NewerVersionError, RefusedError
from dispatch.services.core.error_classification import TRANSIENT, log_fields
from dispatch.services.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OverloadedError,
    SenderError,
    UnauthorizedError,
)
from schemas.invalid_fields import sentence

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
MAX_FIELD_NAME = 100
STATUSES: dict[type[Exception], int] = {
    SenderError: 400,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    RefusedError: 409,
}

log = structlog.get_logger()


class FieldError(BaseModel):
    """One invalid field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


SCHEMA = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
OVERLOADED: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Overloaded: send the routine report again after `Retry-After` seconds",
        "headers": {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}},
        "content": SCHEMA,
    }
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be fulfilled", "content": SCHEMA},
    "503": {"description": "The database does not respond: try again", "content": SCHEMA},
}


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a response that holds a problem document."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    content = body.model_dump(exclude_defaults=True) | {"type": body.type}
    return JSONResponse(content, status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the handlers that turn each error into a problem document."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)


def timed_out() -> JSONResponse:
    """Return the response to a request that took too long; it may have been performed."""
    detail = "the request took too long and was cancelled: send the same request again"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _rejected(_request: Request, error: Exception) -> Response:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, UnauthorizedError) else {}
    return problem(status, str(error), headers=headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    field = error.field if isinstance(error, InvalidError) else ""
    return problem(422, f"{field}: {error}", [FieldError(field=field, message=str(error))])


async def _overloaded(_request: Request, error: Exception) -> Response:
    wait = error.retry_after_s if isinstance(error, OverloadedError) else RETRY_AFTER_S
    return problem(429, str(error), headers={"Retry-After": str(wait)})


async def _malformed(_request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    body = getattr(error, "body", None)
    errors = [FieldError(field=_field(one), message=_message(one, body)) for one in found]
    first = errors[0]
    return problem(422, f"{first.field}: {first.message}", errors)


async def _from_framework(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail, headers=error.headers)


async def _unavailable(_request: Request, error: Exception) -> Response:
    log.warning("the database does not respond", **log_fields(error))
    detail = "the database does not respond and may have done this: send the same request again"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _newer(_request: Request, error: Exception) -> Response:
    log.warning("a newer version of Renfort wrote what a request needs", **log_fields(error))
    detail = "a newer version of Renfort wrote this, and this process cannot read it: upgrade the process"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _unexpected(_request: Request, error: Exception) -> Response:
    log.error("request failed", **log_fields(error), exc_info=error)
    return problem(500, "internal error: it has been logged")


HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    **dict.fromkeys(STATUSES, _rejected),
    InvalidError: _invalid,
    OverloadedError: _overloaded,
    RequestValidationError: _malformed,
    HTTPException: _from_framework,
    **dict.fromkeys(TRANSIENT, _unavailable),
    NewerVersionError: _newer,
    Exception: _unexpected,
}
"""The handler of each class of errors; that of the nearest base class applies to classes not listed."""


def _field(error: Mapping[str, Any]) -> str:
    """Return the path of a field within its body or query; a body that is invalid as a whole is `body`."""
    if error["type"] == "json_invalid" or len(error["loc"]) == 1:
        return "body"
    return ".".join(map(str, error["loc"][1:]))[:MAX_FIELD_NAME]


def _message(error: Mapping[str, Any], body: object) -> str:
    if error["type"] == "json_invalid":
        return f"not JSON: {error['ctx']['error']}"
    if error["loc"] == ("body",) and isinstance(body, bytes):
        return "send JSON, with `Content-Type: application/json`"
    swapped = "; lat and lon look swapped" if _looks_swapped(error["loc"], body) else ""
    return sentence(error) + swapped


def _looks_swapped(place: Sequence[int | str], body: object) -> bool:
    """Check whether an invalid latitude and the longitude beside it would be valid if they were exchanged."""
    if not place or place[-1] != "lat":
        return False
    for part in place[1:-1]:
        body = body.get(part) if isinstance(body, dict) else None
    pair = (body.get("lat"), body.get("lon")) if isinstance(body, dict) else (None, None)
    lat, lon = (value if isinstance(value, int | float) else None for value in pair)
    return lat is not None and lon is not None and 90 < abs(lat) <= 180 and abs(lon) <= 90  # noqa: PLR2004
