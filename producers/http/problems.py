"""Errors as RFC 9457 problem documents, which name the fields and never repeat what was in them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from dispatch.domain.errors import RefusedError
from dispatch.services.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OverloadedError,
    UnauthorizedError,
)
from dispatch.services.core.failures import TRANSIENT

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
LONGEST_NAME = 100
STATUSES: dict[type[Exception], int] = {
    UnauthorizedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    RefusedError: 409,
}

log = structlog.get_logger()


class FieldError(BaseModel):
    """One field that is not as it must be."""

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
        "description": "More comes in than can be worked: a routine report may come again after `Retry-After` seconds",
        "headers": {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}},
        "content": SCHEMA,
    }
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What was asked cannot be done", "content": SCHEMA},
    "503": {"description": "The database does not answer: try again", "content": SCHEMA},
}


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Write a problem document."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    content = body.model_dump(exclude_defaults=True) | {"type": body.type}
    return JSONResponse(content, status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    for kind in STATUSES:
        app.add_exception_handler(kind, _refused)
    for difficult in TRANSIENT:
        app.add_exception_handler(difficult, _unavailable)
    app.add_exception_handler(InvalidError, _invalid)
    app.add_exception_handler(OverloadedError, _overloaded)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(_request: Request, error: Exception) -> Response:
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, UnauthorizedError) else {}
    return problem(status, str(error), headers=headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    field = error.field if isinstance(error, InvalidError) else ""
    return problem(422, f"{field}: {error}", [FieldError(field=field, message=str(error))])


async def _overloaded(_request: Request, error: Exception) -> Response:
    wait = error.retry_after_s if isinstance(error, OverloadedError) else RETRY_AFTER_S
    return problem(429, str(error), headers={"Retry-After": str(wait)})


def unanswered() -> JSONResponse:
    """Answer for what took too long; whether it was done is not known."""
    detail = "this took too long and was given up: send the same request again"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _unavailable(_request: Request, error: Exception) -> Response:
    log.warning("the database does not answer", error=type(error).__name__)
    detail = "the database does not answer, and may have done this: send the same request again"
    return problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


async def _malformed(_request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    body = getattr(error, "body", None)
    errors = [FieldError(field=_field(one), message=_message(one, body)) for one in found]
    first = errors[0]
    return problem(422, f"{first.field}: {first.message}", errors)


async def _plain(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail, headers=error.headers)


async def _unexpected(_request: Request, error: Exception) -> Response:
    # By class and place only: an error's words may hold what must not be told.
    log.error("request failed", error=type(error).__name__, exc_info=error)
    return problem(500, "something went wrong here: it has been logged")


def _field(error: Mapping[str, Any]) -> str:
    """Name the field without where it came in; what is wrong as a whole is the body."""
    if error["type"] == "json_invalid" or len(error["loc"]) == 1:
        return "body"
    return ".".join(map(str, error["loc"][1:]))[:LONGEST_NAME]


def _message(error: Mapping[str, Any], body: object) -> str:
    message = str(error["msg"])
    if error["type"] == "json_invalid":
        return f"not JSON: {error['ctx']['error']}"
    if error["loc"] == ("body",) and isinstance(body, bytes):
        return "send JSON, with `Content-Type: application/json`"
    return f"{message}; lat and lon look swapped" if _looks_swapped(error["loc"], body) else message


def _looks_swapped(place: Sequence[int | str], body: object) -> bool:
    """Tell whether a refused latitude would be a longitude, and the other way round."""
    if not place or place[-1] != "lat":
        return False
    for part in place[1:-1]:
        body = body.get(part) if isinstance(body, dict) else None
    pair = (body.get("lat"), body.get("lon")) if isinstance(body, dict) else (None, None)
    lat, lon = (value if isinstance(value, int | float) else None for value in pair)
    return lat is not None and lon is not None and 90 < abs(lat) <= 180 and abs(lon) <= 90  # noqa: PLR2004
