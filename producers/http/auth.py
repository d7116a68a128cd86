"""Authentication: the API key of a request, and the scopes that a route requires."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dispatch.services.access import keys
from dispatch.services.access.keys import Key
from dispatch.services.core.errors import ForbiddenError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork

DESCRIPTION = "An API key: `Authorization: Bearer rk_…`"
bearer = HTTPBearer(auto_error=False, description=DESCRIPTION)
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


class RequiredScope(HTTPBearer):
    """A dependency that returns the key of a request if it has at least one of the scopes.

    It is the security scheme itself: resolving a dependency costs FastAPI as much as validating the body.
    """

    def __init__(self, *scopes: str) -> None:
        super().__init__(auto_error=False, scheme_name=bearer.scheme_name, description=DESCRIPTION)
        self.scopes = scopes

    async def __call__(self, request: Request) -> Key:  # type: ignore[override]
        """Return the key; raises UnauthorizedError or ForbiddenError."""
        token = bearer_token(await super().__call__(request))
        return require_scope(await authenticate(request, token), *self.scopes)


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


ReportsWriteKey = Annotated[Key, Depends(RequiredScope("reports:write"))]
ConsoleReadKey = Annotated[Key, Depends(RequiredScope("console:read", "console:act"))]
ConsoleActKey = Annotated[Key, Depends(RequiredScope("console:act"))]
VolunteersWriteKey = Annotated[Key, Depends(RequiredScope("volunteers:write"))]
