"""How volunteers opt out: STOP, which they can revoke, and erasure, which is final."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Command, Free
from dispatch.services.core.errors import ConflictError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import execution
from dispatch.storage import journal
from dispatch.storage.journal import Entry
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import sql
from schemas.volunteers import VolunteerEvent, VolunteerLeft


def journal_entry(organisation: UUID, event: VolunteerEvent) -> Entry:
    """Return the journal entry of a volunteer's event; its mode is always actual, since volunteers are real."""
    who = event.volunteer_id
    return Entry(who, event, organisation, "actual", str(who), event.at, event.at)


async def stop(
    connection: asyncpg.Connection, volunteer_id: UUID, now: datetime, organisation: UUID | None = None
) -> None:
    """End all new offers of an organisation to a person, or of every one, those that they join later included.

    A running assignment continues until release.
    """
    await withdraw_offers(connection, [volunteer_id], organisation, now)
    await _lock(connection, volunteer_id, organisation)
    if organisation is None:
        await connection.execute(sql("stop_everywhere"), volunteer_id, now)
    stopped = await connection.fetch(sql("stop_memberships"), volunteer_id, organisation, now)
    event = VolunteerLeft(at=now, volunteer_id=volunteer_id)
    left = sorted(row["organisation"] for row in stopped if row["left_at"] is None)
    await journal.append(connection, [journal_entry(one, event) for one in left], now)


async def organisations_of(connection: asyncpg.Connection, volunteer_id: UUID) -> list[UUID]:
    """Return the organisations that have a person on their roster."""
    return [row["organisation"] for row in await connection.fetch(sql("organisations_of"), volunteer_id)]


async def restart(
    connection: asyncpg.Connection, volunteer_id: UUID, organisation: UUID | None = None
) -> None:
    """Allow an organisation, or every one, to ask a person again who had sent STOP."""
    await connection.fetch(sql("lock_people"), [volunteer_id])
    if organisation is None:
        await connection.execute(sql("stop_everywhere"), volunteer_id, None)
    await connection.execute(sql("restart_memberships"), volunteer_id, organisation)


async def erase(uow: UnitOfWork, organisation: UUID, volunteer_id: UUID) -> None:
    """Remove a volunteer from the roster, and all that the organisation knows of them; the last one erases the number.

    Raises ConflictError while they are assigned to one of its incidents, whose safety messages need the number.
    """

    async def inside(connection: asyncpg.Connection, now: datetime) -> None:
        await withdraw_offers(connection, [volunteer_id], organisation, now)
        await _lock(connection, volunteer_id, organisation)
        if await assigned(connection, organisation, [volunteer_id]):
            raise ConflictError("this volunteer is assigned to a running incident: release them first")
        await remove(connection, organisation, volunteer_id, now)

    await uow.transact(inside)


async def remove(
    connection: asyncpg.Connection, organisation: UUID, volunteer_id: UUID, now: datetime
) -> None:
    """Remove a locked person, without live offers or assignments, from a roster; raises NotFoundError.

    What the organisation knows of them is erased, with their texts to it; so is the number, if no other one has them.
    """
    if await connection.fetchval(sql("delete_membership"), organisation, volunteer_id) is None:
        raise NotFoundError("there is no such volunteer on this roster")
    event = VolunteerLeft(at=now, volunteer_id=volunteer_id)
    await journal.append(connection, [journal_entry(organisation, event)], now)
    await connection.execute(sql("erase_texts_to"), volunteer_id, organisation)
    if not await organisations_of(connection, volunteer_id):
        await connection.execute(sql("erase_texts"), volunteer_id)
        await connection.execute(sql("erase_person"), volunteer_id)


async def assigned(connection: asyncpg.Connection, organisation: UUID, people: Sequence[UUID]) -> set[UUID]:
    """Return those of some people who are assigned to a running incident of an organisation."""
    rows = await connection.fetch(sql("assigned_people"), people, organisation)
    return {row["volunteer_id"] for row in rows}


async def withdraw_offers(
    connection: asyncpg.Connection, people: Sequence[UUID], organisation: UUID | None, now: datetime
) -> None:
    """Withdraw the live offers of people who leave; incidents are locked before people, here as everywhere."""
    rows = await connection.fetch(sql("live_offers_of_people"), people, organisation)
    orders: list[tuple[UUID, Command]] = [
        (row["incident_id"], Free(row["volunteer_id"], "left")) for row in rows
    ]
    if orders:
        await execution.lock_and_execute(connection, orders, now)


async def require_no_offers(
    connection: asyncpg.Connection, people: Sequence[UUID], organisation: UUID | None
) -> None:
    """Raise RetryableError where locked people have a live offer: a transaction that held the lock before made it."""
    if await connection.fetch(sql("live_offers_of_people"), people, organisation):
        raise RetryableError("a volunteer who opts out was offered a seat meanwhile")


async def _lock(connection: asyncpg.Connection, volunteer_id: UUID, organisation: UUID | None) -> None:
    """Lock a person so that no offer is extended before the commit."""
    await connection.fetch(sql("lock_people"), [volunteer_id])
    await require_no_offers(connection, [volunteer_id], organisation)
