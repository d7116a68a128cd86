"""Incidents for supervisors: the list, the details, the timeline, and the acts."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from dispatch.domain.commands import Act, Action
from dispatch.domain.incident import IncidentStatus
from dispatch.domain.supervising.reinforcing import MOST
from dispatch.domain.supervising.supervision import allowed
from dispatch.services.console import history, situation
from dispatch.services.console.history import Timeline
from dispatch.services.console.situation import IncidentDetail, IncidentSummary
from dispatch.services.core.errors import InvalidError
from dispatch.services.incidents import execution
from producers.http.auth import ConsoleActKey, ConsoleReadKey, UowDep
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.short_ids import Id, whole
from schemas.base import Mode, Slug, Strict
from schemas.incidents import Outcome

router = APIRouter(tags=["incidents"], route_class=IdempotentRoute)

Limit = Annotated[int, Query(ge=1, le=500)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment lies before the first year") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class ActBody(Strict):
    """The reason is a word such as `owner_came`, not free text, since it is published with the event.

    `outcome` is how an incident ended, for the act `close` alone; `done` where it is left out. The act `reinforce` adds
    `count` seats of a `role`.
    """

    reason: Slug | None = None
    outcome: Outcome | None = None
    role: Slug | None = None
    count: Annotated[int, Field(ge=1, le=MOST)] | None = None


class Acted(BaseModel):
    """The incident after an act, and the acts that its status allows now."""

    incident_id: UUID
    status: IncidentStatus
    acts: list[str]
    at: datetime


def _command(what: Action, by: str, body: ActBody) -> Act:
    """Return the command of an act; raises InvalidError where the body says what another act needs."""
    if body.outcome is not None and what != "close":
        raise InvalidError("outcome", "only `close` takes an outcome")
    if (what == "reinforce") != (body.role is not None and body.count is not None):
        raise InvalidError("role", "`reinforce` takes a role and a count, and no other act does")
    return Act(what, by, body.reason or "", outcome=body.outcome, role=body.role or "", count=body.count or 0)


@router.get("/v1/incidents")
async def incidents(
    key: ConsoleReadKey,
    uow: UowDep,
    *,
    status: Annotated[list[IncidentStatus] | None, Query()] = None,
    mode: Annotated[list[Mode] | None, Query()] = None,
    before: Moment | None = None,
    limit: Limit = 100,
) -> list[IncidentSummary]:
    """List incidents, newest first; for the next page pass the last `opened_at` as `before`. Scope `console:read`."""
    return await situation.incidents(
        uow, key.organisation, before=before, statuses=status, modes=mode, limit=limit
    )


@router.get("/v1/incidents/{incident_id}")
async def incident(incident_id: Id, key: ConsoleReadKey, uow: UowDep) -> IncidentDetail:
    """Return one incident with its seats, offers and escalations. Scope `console:read`."""
    return await situation.incident(uow, key.organisation, await whole(uow, key, "incident", incident_id))


@router.get("/v1/incidents/{incident_id}/timeline")
async def timeline(incident_id: Id, key: ConsoleReadKey, uow: UowDep) -> Timeline:
    """Return what happened, and why each volunteer nearby was or was not asked. Scope `console:read`."""
    return await history.timeline(uow, key.organisation, await whole(uow, key, "incident", incident_id))


@router.post("/v1/incidents/{incident_id}/{what}")
async def act(
    incident_id: Id, what: Action, key: ConsoleActKey, uow: UowDep, body: ActBody | None = None
) -> Acted:
    """Act on an incident as the key's holder. Scope `console:act`; 409 where its status forbids the act."""
    body = body or ActBody()
    command = _command(what, key.holder, body)
    after = await execution.execute_command(
        uow, key.organisation, await whole(uow, key, "incident", incident_id), command
    )
    return Acted(incident_id=after.id, status=after.status, acts=allowed(after), at=after.last_at)
