"""The HTTP application of one process: its routes, middleware and error handlers."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Response
from starlette.types import Scope

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.submitting import ReportWriter
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.messaging.receipts import ReceiptWriter
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.roster_process import RosterImporter
from producers.http import problems
from producers.http.api import (
    escalations,
    gateways,
    health,
    incidents,
    lists,
    muster_points,
    offers,
    organisations,
    reports,
    volunteers,
)
from producers.http.api.health import Readiness
from producers.http.middleware.body_limit import Allowance, BodyLimit, BodyRules
from producers.http.middleware.deadline import Deadline
from producers.http.middleware.private import Private
from producers.http.middleware.request_log import RequestLog
from producers.http.page import routes as page

BODY_RULES = BodyRules(by_path={"/v1/volunteers/import": Allowance(8 * 1024 * 1024, 120)})
DEADLINE_S = 4.0
DEADLINE_S_BY_PATH = {"/v1/volunteers/import": 120.0}
ROUTERS = (
    reports.router,
    incidents.router,
    escalations.router,
    offers.router,
    volunteers.router,
    muster_points.router,
    lists.router,
    organisations.router,
    gateways.router,
    page.router,
)


def build(
    uow: UnitOfWork,
    *,
    gateways: GatewayRegistry,
    secret: bytes,
    readiness: Readiness,
    extra: Sequence[APIRouter] = (),
    body_rules: BodyRules = BODY_RULES,
) -> FastAPI:
    """Build the application.

    The gateways read webhook calls. The tokens in volunteers' links derive from `secret`; `readiness` returns the state
    of each dependency.
    """
    app = FastAPI(
        title="Renfort",
        version="1",
        description="Event-driven dispatch of volunteers.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    app.state.uow, app.state.secret, app.state.readiness = uow, secret, readiness
    app.state.gateways = gateways
    app.state.position_writer, app.state.report_writer = PositionWriter(uow), ReportWriter(uow)
    app.state.receipt_writer = ReceiptWriter(uow)
    app.state.admission, app.state.roster_importer = Admission(uow), RosterImporter(uow)
    for router in (*ROUTERS, *extra):
        app.include_router(router, responses=problems.RESPONSES if router is not page.router else None)
    app.include_router(health.router)
    problems.install(app)
    app.add_middleware(BodyLimit, rules=body_rules)
    app.add_middleware(Deadline, seconds=DEADLINE_S, by_path=DEADLINE_S_BY_PATH, on_timeout=_timeout_response)
    app.add_middleware(Private)
    app.add_middleware(RequestLog)
    return app


def _timeout_response(scope: Scope) -> Response:
    return page.unavailable() if scope["path"].startswith("/a/") else problems.timed_out()
