"""Answers to offers that other programs submit: an organisation's own app, or a dispatcher's console."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from dispatch.services.access.keys import GATEWAY, Key
from dispatch.services.replies import receiving
from producers.http.auth import RequiredScope, UowDep, authenticate, presented_key, require_scope
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.short_ids import Id, whole
from schemas.replies import AnswerBody

router = APIRouter(tags=["offers"], route_class=IdempotentRoute)


class Received(BaseModel):
    """The answer is stored; its effect shows on the stream, the incident and the volunteer's page."""

    reply_id: UUID


class AnswerScope(RequiredScope):
    """Admits the key of any gateway, whatever its name, beside those with one of the scopes."""

    async def __call__(self, request: Request) -> Key:  # type: ignore[override]
        """Return the key; raises UnauthorizedError or ForbiddenError."""
        key = await authenticate(request, presented_key(request))
        by_gateway = any(scope.startswith(GATEWAY) for scope in key.scopes)
        return key if by_gateway else require_scope(key, *self.scopes)


AnswerKey = Annotated[Key, Depends(AnswerScope("gateway:NAME", "console:act"))]


@router.post("/v1/offers/{offer_id}/answer", status_code=202)
async def answer(offer_id: Id, body: AnswerBody, key: AnswerKey, uow: UowDep) -> Received:
    """Store a volunteer's answer, received now. Scope `gateway:NAME` or `console:act`."""
    reply_id = await receiving.receive(
        uow,
        offer_id=await whole(uow, key, "offer", offer_id),
        answer=body.answer,
        channel="api",
        received_at=uow.clock.now(),
        organisation=key.organisation if key.may("console:act") else key.gateway_organisation,
        minutes=body.eta_minutes,
    )
    return Received(reply_id=reply_id)
