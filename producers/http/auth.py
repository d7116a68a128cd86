"""Authentication: the API key of a request, and the scopes that a route requires."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dispatch.services.access import keys
from dispatch.services.access.keys import Key
from dispatch.services.core.errors import ForbiddenError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer rk_…`")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def uow_of(request: Request) -> UnitOfWork:
    """Return the unit of work that the app was built with."""
    uow = request.app.state.uow
    assert isinstance(uow, UnitOfWork)  # noqa: S101 - for the type checker
    return uow


async def provide_uow(request: Request) -> UnitOfWork:
    """Inject the unit of work; every dependency is `async`, since FastAPI runs others in its thread pool."""
    return uow_of(request)


UowDep = Annotated[UnitOfWork, Depends(provide_uow)]


def requires(*scopes: str) -> Callable[[Request, Credentials], Awaitable[Key]]:
    """Return a dependency that accepts keys with at least one of the scopes."""

    async def authorize(request: Request, credentials: Credentials) -> Key:
        return require_scope(await authenticate(request, bearer_token(credentials)), *scopes)

    return authorize


def bearer_token(credentials: Credentials) -> str:
    """Return the key in the `Authorization` header, or an empty string."""
    return credentials.credentials if credentials else ""


async def authenticate(request: Request, presented: str) -> Key:
    """Return the presented key, read once per request; raises UnauthorizedError."""
    if not presented:
        raise UnauthorizedError("this request needs an API key: Authorization: Bearer rk_…")
    key = getattr(request.state, "key", None)
    if not isinstance(key, Key):
        key = request.state.key = await keys.authenticate(uow_of(request), presented)
    return key


def require_scope(key: Key, *scopes: str) -> Key:
    """Return the key; raises ForbiddenError where it has none of the scopes."""
    if not key.may(*scopes):
        raise ForbiddenError(f"this key lacks the scope {' or '.join(scopes)}")
    return key


ReportsWriteKey = Annotated[Key, Depends(requires("reports:write"))]
ConsoleReadKey = Annotated[Key, Depends(requires("console:read", "console:act"))]
ConsoleActKey = Annotated[Key, Depends(requires("console:act"))]
VolunteersWriteKey = Annotated[Key, Depends(requires("volunteers:write"))]
