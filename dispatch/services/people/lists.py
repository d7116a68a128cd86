"""Lists of members whom plans ask alone or never, and pairs of members who must not meet."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter, ValidationError

from dispatch.services.access.organisations import country_of
from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.phone_numbers import e164
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.members import Source, people_of
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import sql
from schemas.base import Slug

NAME = TypeAdapter(Slug)


class PeopleList(NamedTuple):
    """A list of an organisation, with the number of its members."""

    name: str
    changed_at: datetime
    people: int


class Apart(NamedTuple):
    """Two members who must not meet, by their ids."""

    volunteer_id: UUID
    other: UUID


async def named_members(
    source: Source, organisation: UUID, phones: Sequence[str], ids: Sequence[str]
) -> list[UUID]:
    """Return the people who are the members with some phones and ids, which may be short.

    Raises InvalidError for somebody else.
    """
    country = await country_of(source, organisation)
    wanted = {phone: e164(phone, field="phones", region=country) for phone in phones}
    rows = await source.fetch(sql("volunteers_by_phone"), sorted(set(wanted.values())))
    by_phone = {row["address"]: row["volunteer_id"] for row in rows}
    people = {phone: by_phone.get(number) for phone, number in wanted.items()}
    found = {text: await find(source, "volunteer", organisation, text) for text in ids}
    by_id = await people_of(source, organisation, set(found.values()))
    people |= {text: by_id.get(member) for text, member in found.items()}
    members = await _members(source, organisation, [who for who in people.values() if who is not None])
    if unknown := [text for text, who in people.items() if who not in members]:
        raise InvalidError("phones" if unknown[0] in wanted else "ids", f"not on the roster: {unknown[0]}")
    return sorted(members)


async def set_list(
    uow: UnitOfWork, organisation: UUID, name: str, phones: Sequence[str] = (), ids: Sequence[str] = ()
) -> int:
    """Replace a list, or create it; return how many people are on it.

    Whose place on it changes is locked, so that a search that is under way ends before, or sees the change. Offers that
    are out already stay valid.
    """
    try:
        NAME.validate_python(name)
    except ValidationError:
        raise InvalidError("name", f"{name!r} is not a name such as `creche-parents`") from None

    async def inside(connection: asyncpg.Connection, now: datetime) -> int:
        await connection.execute(sql("lock_list"), organisation, name, now)
        after = set(await named_members(connection, organisation, phones, ids))
        before = set(await _on_list(connection, organisation, name))
        await connection.fetch(sql("lock_people"), sorted(after ^ before))
        if await _members(connection, organisation, after) != after:
            raise RetryableError("a volunteer left the roster meanwhile")
        await connection.execute(
            sql("change_list"), organisation, name, sorted(before - after), sorted(after - before)
        )
        return len(after)

    return await uow.transact(inside)


async def delete_list(uow: UnitOfWork, organisation: UUID, name: str) -> None:
    """Delete a list; a plan that asks only its members asks nobody. Raises NotFoundError."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.execute(sql("lock_list"), organisation, name, now)
        await connection.fetch(sql("lock_people"), await _on_list(connection, organisation, name))
        await connection.execute(sql("delete_list"), organisation, name)

    await _require(uow, organisation, name)
    await uow.transact(inside)


async def all_lists(uow: UnitOfWork, organisation: UUID) -> list[PeopleList]:
    """Return the lists of an organisation."""
    return [PeopleList(*row) for row in await uow.pool.fetch(sql("count_lists"), organisation)]


async def read_list(uow: UnitOfWork, organisation: UUID, name: str) -> list[UUID]:
    """Return the ids of the members on a list; raises NotFoundError."""
    await _require(uow, organisation, name)
    return [row["id"] for row in await uow.pool.fetch(sql("ids_on_list"), organisation, name)]


async def keep_apart(uow: UnitOfWork, organisation: UUID, one: UUID, other: UUID) -> None:
    """Record that two members must not meet; raises InvalidError where they are one, NotFoundError for others."""
    if one == other:
        raise InvalidError("other", "nobody can be kept apart from themselves")

    async def inside(connection: asyncpg.Connection, _now: datetime) -> None:
        await connection.fetch(sql("lock_people"), sorted((one, other)))
        if len(await _members(connection, organisation, (one, other))) < len((one, other)):
            raise NotFoundError("there is no such volunteer on this roster")
        await connection.execute(sql("keep_apart"), organisation, one, other)

    await uow.transact(inside)


async def let_meet(uow: UnitOfWork, organisation: UUID, one: UUID, other: UUID) -> None:
    """Delete a pair of people who must not meet; raises NotFoundError where there is none."""
    if not await uow.pool.fetch(sql("let_meet"), organisation, one, other):
        raise NotFoundError("these two are not kept apart")


async def all_apart(uow: UnitOfWork, organisation: UUID) -> list[Apart]:
    """Return the pairs of members who must not meet."""
    return [Apart(*row) for row in await uow.pool.fetch(sql("list_apart"), organisation)]


async def _require(uow: UnitOfWork, organisation: UUID, name: str) -> None:
    if not await uow.pool.fetchval(sql("list_exists"), organisation, name):
        raise NotFoundError("there is no such list: `dispatch lists list` lists them")


async def _on_list(connection: asyncpg.Connection, organisation: UUID, name: str) -> list[UUID]:
    """Return the people on a list; nobody where there is no such list."""
    return [row[0] for row in await connection.fetch(sql("members_of_list"), organisation, name)]


async def _members(source: Source, organisation: UUID, people: Collection[UUID]) -> set[UUID]:
    rows = await source.fetch(sql("current_members"), organisation, sorted(set(people)))
    return {row["volunteer_id"] for row in rows}
