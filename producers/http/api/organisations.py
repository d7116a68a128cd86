"""The organisation itself: its duty order, and the pause of all its offers."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from producers.http.auth import Here, Supervisor, Watcher
from producers.http.middleware.idempotency import IdempotentRoute
from schemas.base import Strict
from schemas.volunteers import Language

router = APIRouter(tags=["organisation"], route_class=IdempotentRoute)


class Contact(Strict):
    """A supervisor who is paged in turn; without `drills` never for an exercise."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    phone: Annotated[str, Field(min_length=4, max_length=32)]
    language: Language = "fr"
    drills: bool = False


@router.get("/v1/duty-contacts")
async def duty(key: Watcher, uow: Here) -> list[DutyContact]:
    """List the supervisors in duty order. Scope `console:read`."""
    return await organisations.duty(uow, key.organisation)


@router.put("/v1/duty-contacts", status_code=204)
async def set_duty(
    contacts: Annotated[list[Contact], Field(max_length=50)], key: Supervisor, uow: Here
) -> None:
    """Replace the duty order: the first is paged first, the next after a minute. Scope `console:act`."""
    found = [DutyContact(one.name, one.phone, one.language, one.drills) for one in contacts]
    await organisations.set_duty(uow, key.organisation, found)


@router.post("/v1/pause", status_code=204)
async def pause(key: Supervisor, uow: Here) -> None:
    """Stop all new offers at once; recalls and stand-downs still go out. Scope `console:act`."""
    await organisations.pause(uow, key.organisation, key.holder)


@router.post("/v1/resume", status_code=204)
async def resume(key: Supervisor, uow: Here) -> None:
    """End the pause. Scope `console:act`."""
    await organisations.resume(uow, key.organisation, key.holder)
