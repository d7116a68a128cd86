"""Escalations for supervisors: list, acknowledge, resolve."""

from typing import Annotated

from fastapi import APIRouter, Query

from dispatch.services.console import situation
from dispatch.services.console.views import Escalation
from dispatch.services.incidents import escalations as service
from producers.http.auth import ConsoleActKey, ConsoleReadKey, UowDep
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.short_ids import Id, whole

router = APIRouter(tags=["escalations"], route_class=IdempotentRoute)


@router.get("/v1/escalations")
async def escalations(
    key: ConsoleReadKey,
    uow: UowDep,
    *,
    only_open: Annotated[bool, Query(alias="open")] = True,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[Escalation]:
    """List the open escalations, most severe first; `open=false` adds the resolved. Scope `console:read`."""
    return await situation.escalations(uow, key.organisation, only_open=only_open, limit=limit)


@router.post("/v1/escalations/{escalation_id}/acknowledge", status_code=204)
async def acknowledge(escalation_id: Id, key: ConsoleActKey, uow: UowDep) -> None:
    """Acknowledge as the key's holder; it lapses where no action follows. Scope `console:act`."""
    await service.acknowledge(
        uow, key.organisation, await whole(uow, key, "escalation", escalation_id), key.holder
    )


@router.post("/v1/escalations/{escalation_id}/settle", status_code=204)
async def settle(escalation_id: Id, key: ConsoleActKey, uow: UowDep) -> None:
    """Resolve one of a report or the system; acts on an incident resolve its own. Scope `console:act`."""
    await service.resolve(
        uow, key.organisation, await whole(uow, key, "escalation", escalation_id), key.holder
    )
