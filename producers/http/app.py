"""The HTTP side of one process: routes, limits, errors, health, and a log that tells no secret."""

import time
from collections.abc import Callable, Sequence

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dispatch import metrics
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import Admission
from dispatch.services.operations import gauges
from dispatch.services.people.position_writer import Tracking
from producers.http import problems
from producers.http.api import escalations, gateways, incidents, offers, organisations, reports, volunteers
from producers.http.auth import Here
from producers.http.middleware.deadline import Deadline
from producers.http.middleware.limits import BodyLimit
from producers.http.page import routes

Ready = Callable[[], dict[str, bool]]

LARGEST_BODY = 64 * 1024
LARGER = {"/v1/volunteers/import": 8 * 1024 * 1024}
LONGEST_WAIT_S = 4.0
LONGER = {"/v1/volunteers/import": 120.0}
ROUTERS = (
    reports.router,
    incidents.router,
    escalations.router,
    offers.router,
    volunteers.router,
    organisations.router,
    gateways.router,
    routes.router,
)
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

log = structlog.get_logger()


def build(uow: UnitOfWork, *, secret: bytes, ready: Ready, extra: Sequence[APIRouter] = ()) -> FastAPI:
    """Build the app; `secret` is the one that volunteers' links derive from, `ready` tells what works."""
    app = FastAPI(
        title="Renfort",
        version="1",
        description="Event-driven dispatch of volunteers.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    app.state.uow, app.state.secret, app.state.ready = uow, secret, ready
    app.state.tracking, app.state.admission = Tracking(uow), Admission(uow)
    for router in (*ROUTERS, *extra):
        app.include_router(router, responses=problems.RESPONSES if router is not routes.router else None)
    app.include_router(health)
    problems.install(app)
    app.add_middleware(BodyLimit, largest=LARGEST_BODY, exceptions=LARGER)
    app.add_middleware(Deadline, seconds=LONGEST_WAIT_S, exceptions=LONGER, late=_late)
    app.add_middleware(Diary)
    return app


health = APIRouter(tags=["health"])


@health.get("/healthz")
async def healthz() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}


@health.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Tell whether the process can do its work, and what it lacks; 503 while it cannot."""
    state = request.app.state.ready()
    return JSONResponse(state, 200 if all(state.values()) else 503)


@health.get("/metrics", name="metrics")
async def numbers(uow: Here) -> Response:
    """Give the numbers that Prometheus reads."""
    return Response(await gauges.page(uow.pool, uow.clock.now()), media_type=CONTENT_TYPE_LATEST)


class Diary:
    """One log line per request, by the route's pattern: addresses hold tokens and keys."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note how it ended."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        status, began = 500, time.perf_counter()
        scope.setdefault("state", {})["began"] = began

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            _note(scope, status, time.perf_counter() - began)


def _late(scope: Scope) -> Response:
    """Answer for what took too long, to people with a page."""
    return routes.busy() if scope["path"].startswith("/a/") else problems.unanswered()


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "none")
    method = scope["method"] if scope["method"] in METHODS else "other"
    metrics.REQUESTS.labels(method, route, str(status)).observe(seconds)
    log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
