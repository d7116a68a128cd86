"""Answers to offers that other programs submit: an organisation's own app, or a dispatcher's console."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from dispatch.services.access.keys import Key
from dispatch.services.core.errors import ForbiddenError
from dispatch.services.replies import receiving
from producers.http.auth import Presented, UowDep, authenticate
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.short_ids import Id, whole
from schemas.replies import AnswerBody

router = APIRouter(tags=["offers"], route_class=IdempotentRoute)


class Received(BaseModel):
    """The answer is stored; its effect shows on the stream, the incident and the volunteer's page."""

    reply_id: UUID


async def authorize_answer(request: Request, presented: Presented) -> Key:
    """Accept the key of any gateway or supervisor; raises ForbiddenError."""
    key = await authenticate(request, presented)
    if not (key.may("console:act") or any(scope.startswith("gateway:") for scope in key.scopes)):
        raise ForbiddenError("this key lacks the scope gateway:NAME or console:act")
    return key


@router.post("/v1/offers/{offer_id}/answer", status_code=202)
async def answer(
    offer_id: Id, body: AnswerBody, key: Annotated[Key, Depends(authorize_answer)], uow: UowDep
) -> Received:
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
