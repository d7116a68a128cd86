"""Who calls: the key in the request, and whether it has the scope."""

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
    """Give the engine that the app was built with."""
    uow = request.app.state.uow
    assert isinstance(uow, UnitOfWork)  # noqa: S101 - for the type checker
    return uow


async def uow_here(request: Request) -> UnitOfWork:
    """Give the engine to a route; `async`, as all dependencies here, or each request waits for a thread."""
    return uow_of(request)


Here = Annotated[UnitOfWork, Depends(uow_here)]


def requires(*scopes: str) -> Callable[[Request, Credentials], Awaitable[Key]]:
    """Admit keys that have one of the scopes."""

    async def admit(request: Request, credentials: Credentials) -> Key:
        return permit(await known(request, credentials.credentials if credentials else ""), *scopes)

    return admit


async def known(request: Request, presented: str) -> Key:
    """Recognise the caller's key, once per request; raises UnauthorizedError."""
    if not presented:
        raise UnauthorizedError("this needs a key: Authorization: Bearer rk_…")
    key = getattr(request.state, "key", None)
    if not isinstance(key, Key):
        key = request.state.key = await keys.authenticate(uow_of(request), presented)
    return key


def permit(key: Key, *scopes: str) -> Key:
    """Return the key; raises ForbiddenError where it has none of the scopes."""
    if not key.may(*scopes):
        raise ForbiddenError(f"this key lacks the scope {' or '.join(scopes)}")
    return key


Reporter = Annotated[Key, Depends(requires("reports:write"))]
Watcher = Annotated[Key, Depends(requires("console:read", "console:act"))]
Supervisor = Annotated[Key, Depends(requires("console:act"))]
Registrar = Annotated[Key, Depends(requires("volunteers:write"))]
