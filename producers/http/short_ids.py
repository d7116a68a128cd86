"""Ids in the paths of routes: whole, or the beginning of one within the organisation of the key."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

from dispatch.services.access.keys import Key
from dispatch.services.core.short_ids import Kind, find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.members import person_of

Id = Annotated[str, Path(max_length=36, description="The id, or at least its first 4 characters.")]


async def whole(uow: UnitOfWork, key: Key, kind: Kind, written: str) -> UUID:
    """Return the id that was written, within the key's organisation; raises NotFoundError and InvalidError."""
    return await find(uow.pool, kind, key.organisation, written)


async def person(uow: UnitOfWork, key: Key, written: str) -> UUID:
    """Return the person who is the member with the id that was written; raises NotFoundError and InvalidError."""
    return await person_of(uow.pool, key.organisation, await whole(uow, key, "volunteer", written))
