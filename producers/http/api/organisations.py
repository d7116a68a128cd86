"""The organisation of the key: its duty contacts, and the pause of its offers."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from producers.http.auth import ConsoleActKey, ConsoleReadKey, UowDep
from producers.http.middleware.idempotency import IdempotentRoute
from schemas.base import Strict
from schemas.volunteers import Language

router = APIRouter(tags=["organisation"], route_class=IdempotentRoute)


class Contact(Strict):
    """A supervisor to page; for an exercise only where `drills` is true."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    phone: Annotated[str, Field(min_length=4, max_length=32)]
    language: Language = "fr"
    drills: bool = False


@router.get("/v1/duty-contacts")
async def duty(key: ConsoleReadKey, uow: UowDep) -> list[DutyContact]:
    """List the supervisors in the order in which they are paged. Scope `console:read`."""
    return await organisations.duty(uow, key.organisation)


@router.put("/v1/duty-contacts", status_code=204)
async def set_duty(
    contacts: Annotated[list[Contact], Field(max_length=50)], key: ConsoleActKey, uow: UowDep
) -> None:
    """Replace the duty contacts: the first is paged first, the next a minute later. Scope `console:act`."""
    duty = [DutyContact(c.name, c.phone, c.language, c.drills) for c in contacts]
    await organisations.set_duty(uow, key.organisation, duty)


@router.post("/v1/pause", status_code=204)
async def pause(key: ConsoleActKey, uow: UowDep) -> None:
    """Stop all new offers at once; recalls and stand-downs are still sent. Scope `console:act`."""
    await organisations.pause(uow, key.organisation, key.holder)


@router.post("/v1/resume", status_code=204)
async def resume(key: ConsoleActKey, uow: UowDep) -> None:
    """Allow new offers again. Scope `console:act`."""
    await organisations.resume(uow, key.organisation, key.holder)
