"""Reports: submission and status."""

import time
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from dispatch.services.access.keys import Key
from dispatch.services.intake import submitting
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.submitting import ReportWriter
from producers.http.auth import ReportsWriteKey, RequiredScope, UowDep, uow_of
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.middleware.salvage import SalvagingRoute, salvaged_of
from producers.http.problems import OVERLOADED
from producers.http.short_ids import Id, whole
from schemas.base import Mode
from schemas.reports import ReportBody


class ReportRoute(IdempotentRoute, SalvagingRoute):
    """An idempotent route for reports: a request is recognised by what was sent, whatever is read of it."""


router = APIRouter(tags=["reports"], route_class=ReportRoute)

ReportReadKey = Annotated[Key, Depends(RequiredScope("reports:write", "console:read", "console:act"))]


class ReportAccepted(BaseModel):
    """The report is stored; `advice` is for a reporter who has not called the emergency services.

    `dropped` names the fields of a life-threatening report that were cut or left out, since they are not valid.
    """

    report_id: UUID
    status_url: str
    advice: dict[str, str] | None
    dropped: tuple[str, ...] = ()


class ReportStatus(BaseModel):
    """A report and its incident, null until it is opened."""

    report_id: UUID
    source: str
    source_id: str
    mode: Mode
    received_at: datetime
    incident_id: UUID | None
    incident_status: str | None


@router.post("/v1/reports", status_code=202, responses=OVERLOADED)
async def report(
    body: ReportBody, key: ReportsWriteKey, request: Request, response: Response
) -> ReportAccepted:
    """Accept a report, once however often it is sent; the key's holder is its source. Scope `reports:write`.

    Of a life-threatening report, only the id and the severity must be valid.
    """
    writer = request.app.state.report_writer
    accepted = await submitting.accept(
        uow_of(request), organisation=key.organisation, source=key.holder, channel="http", body=body,
        admission=_admission_of(request, writer), writer=writer, salvaged=salvaged_of(request),
    )  # fmt: skip
    url = f"/v1/reports/{accepted.report_id}"
    response.headers["Location"] = url
    return ReportAccepted(
        report_id=accepted.report_id,
        status_url=url,
        advice=submitting.advice_to(body),
        dropped=accepted.dropped,
    )


def _admission_of(request: Request, writer: ReportWriter) -> Admission:
    """Return the admission controller of this process, after reporting how long reports wait for their turn."""
    admission: Admission = request.app.state.admission
    admission.record_wait(max(time.perf_counter() - request.state.began, writer.waited_s))
    return admission


@router.get("/v1/reports/{report_id}", response_model=ReportStatus)
async def status(report_id: Id, key: ReportReadKey, uow: UowDep) -> dict[str, Any]:
    """Return a report's status and its incident."""
    return await submitting.status(uow, key.organisation, await whole(uow, key, "report", report_id))
