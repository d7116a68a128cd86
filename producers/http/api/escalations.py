"""Escalations for supervisors: what they have to see to, that they have seen it, that it is done."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from dispatch.domain.incident import Escalation
from dispatch.services.console import situation
from dispatch.services.incidents import escalations as service
from producers.http.auth import Here, Supervisor, Watcher
from producers.http.middleware.idempotency import IdempotentRoute

router = APIRouter(tags=["escalations"], route_class=IdempotentRoute)


@router.get("/v1/escalations")
async def escalations(
    key: Watcher,
    uow: Here,
    *,
    only_open: Annotated[bool, Query(alias="open")] = True,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[Escalation]:
    """List what is open, the gravest first; with `open=false` what is settled too. Scope `console:read`."""
    return await situation.escalations(uow, key.organisation, only_open=only_open, limit=limit)


@router.post("/v1/escalations/{escalation_id}/acknowledge", status_code=204)
async def acknowledge(escalation_id: UUID, key: Supervisor, uow: Here) -> None:
    """Say that the key's holder has seen it; that lapses unless something is done. Scope `console:act`."""
    await service.acknowledge(uow, key.organisation, escalation_id, key.holder)


@router.post("/v1/escalations/{escalation_id}/settle", status_code=204)
async def settle(escalation_id: UUID, key: Supervisor, uow: Here) -> None:
    """End one of a report or the system for good; acts on an incident end its own. Scope `console:act`."""
    await service.resolve(uow, key.organisation, escalation_id, key.holder)
