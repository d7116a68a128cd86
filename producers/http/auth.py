"""Authentication: the API key of a request, and the scopes that a route requires."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection

from dispatch.services.access import keys
from dispatch.services.access.keys import Key
from dispatch.services.core.errors import ForbiddenError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork

DESCRIPTION = "An API key: `Authorization: Bearer rk_…`"


def uow_of(request: HTTPConnection) -> UnitOfWork:
    """Return the unit of work that the app was built with."""
    uow = request.app.state.uow
    assert isinstance(uow, UnitOfWork)  # noqa: S101 - for the type checker
    return uow


async def provide_uow(request: Request) -> UnitOfWork:
    """Inject the unit of work; every dependency is `async`, since FastAPI runs others in its thread pool."""
    return uow_of(request)


UowDep = Annotated[UnitOfWork, Depends(provide_uow)]


def presented_key(request: HTTPConnection) -> str:
    """Return the key in the `Authorization` header, or an empty string; nothing else reads that header."""
    scheme, key = get_authorization_scheme_param(request.headers.get("Authorization"))
    return key.strip() if scheme.lower() == "bearer" else ""


class PresentedKey(HTTPBearer):
    """A dependency that returns the key that a request presents, not yet checked; an empty string without one."""

    def __init__(self) -> None:
        super().__init__(auto_error=False, description=DESCRIPTION, scheme_name=HTTPBearer.__name__)

    async def __call__(self, request: Request) -> str:  # type: ignore[override]
        """Return the key in the `Authorization` header, or an empty string."""
        return presented_key(request)


Presented = Annotated[str, Depends(PresentedKey())]


class RequiredScope(PresentedKey):
    """A dependency that returns the key of a request if it has at least one of the scopes.

    It is the security scheme itself: resolving a dependency costs FastAPI as much as validating the body.
    """

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    async def __call__(self, request: Request) -> Key:  # type: ignore[override]
        """Return the key; raises UnauthorizedError or ForbiddenError."""
        return require_scope(await authenticate(request, presented_key(request)), *self.scopes)


async def authenticate(request: HTTPConnection, presented: str) -> Key:
    """Return the presented key, read once per request; raises UnauthorizedError."""
    if not presented:
        raise UnauthorizedError("this request needs an API key: Authorization: Bearer rk_…")
    key = getattr(request.state, "key", None)
    if not isinstance(key, Key):
        request.state.presented_id = keys.public_id(presented)
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
