"""Liveness, readiness and Prometheus metrics of this process."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from dispatch.services.operations import gauges
from producers.http.auth import UowDep

Readiness = Callable[[], dict[str, bool]]

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Return 200 while the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Report the state of each dependency of the process; 503 while one of them is missing."""
    state = request.app.state.readiness()
    return JSONResponse(state, 200 if all(state.values()) else 503)


@router.get("/metrics", name="metrics")
async def prometheus_metrics(uow: UowDep) -> Response:
    """Return the metrics that Prometheus scrapes."""
    return Response(await gauges.page(uow.pool, uow.clock.now()), media_type=CONTENT_TYPE_LATEST)
