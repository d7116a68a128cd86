"""Lists of members whom plans ask alone or never, and pairs of members who must not meet."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from dispatch.services.people import lists
from producers.http.auth import ConsoleReadKey, UowDep, VolunteersWriteKey
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.short_ids import Id, person
from schemas.base import Slug, Strict

router = APIRouter(tags=["volunteers"], route_class=IdempotentRoute)

Name = Annotated[Slug, Path(description="The name that plans use.")]


class PeopleList(BaseModel):
    """A list with the number of its members."""

    name: str
    changed_at: datetime
    people: int


class ListMembers(BaseModel):
    """The people on a list."""

    volunteers: list[UUID]


class ListBody(Strict):
    """Who is to be on a list: members by their ids, by their phones, or both."""

    volunteers: tuple[UUID, ...] = Field(default=(), max_length=5000)
    phones: tuple[Annotated[str, Field(max_length=32)], ...] = Field(default=(), max_length=5000)


class Pair(BaseModel):
    """Two members who must not meet."""

    volunteer_id: UUID
    other: UUID


@router.get("/v1/lists")
async def listed(key: ConsoleReadKey, uow: UowDep) -> list[PeopleList]:
    """List the lists of the organisation. Scope `console:read`."""
    return [PeopleList.model_validate(one._asdict()) for one in await lists.all_lists(uow, key.organisation)]


@router.get("/v1/lists/{name}")
async def read(name: Name, key: ConsoleReadKey, uow: UowDep) -> ListMembers:
    """Return who is on a list. Scope `console:read`."""
    return ListMembers(volunteers=await lists.read_list(uow, key.organisation, name))


@router.put("/v1/lists/{name}", status_code=204)
async def put(name: Name, body: ListBody, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Replace a list, or create it; a plan names it in `only` or `never`. Scope `volunteers:write`."""
    await lists.set_list(uow, key.organisation, name, body.phones, [str(who) for who in body.volunteers])


@router.delete("/v1/lists/{name}", status_code=204)
async def delete(name: Name, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Delete a list: `only` then asks nobody, `never` shuts out nobody. Scope `volunteers:write`."""
    await lists.delete_list(uow, key.organisation, name)


@router.get("/v1/apart")
async def pairs(key: VolunteersWriteKey, uow: UowDep) -> list[Pair]:
    """List the pairs of members who must not meet. Scope `volunteers:write`."""
    return [Pair.model_validate(one._asdict()) for one in await lists.all_apart(uow, key.organisation)]


@router.put("/v1/volunteers/{volunteer_id}/apart/{other}", status_code=204)
async def keep_apart(volunteer_id: Id, other: Id, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Keep two members apart: neither is asked where the other is asked or assigned. Scope `volunteers:write`."""
    one, two = [await person(uow, key, text) for text in (volunteer_id, other)]
    await lists.keep_apart(uow, key.organisation, one, two)


@router.delete("/v1/volunteers/{volunteer_id}/apart/{other}", status_code=204)
async def let_meet(volunteer_id: Id, other: Id, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Let two members meet again. Scope `volunteers:write`."""
    one, two = [await person(uow, key, text) for text in (volunteer_id, other)]
    await lists.let_meet(uow, key.organisation, one, two)
