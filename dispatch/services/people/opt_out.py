"""How volunteers leave: STOP, which they may take back, and erasure, which nobody can."""

from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Command, Free
from dispatch.services.core.errors import ConflictError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import assembly
from dispatch.storage import journal
from dispatch.storage.journal import Entry
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import sql
from schemas.volunteers import VolunteerEvent, VolunteerLeft


def entry(organisation: UUID, event: VolunteerEvent) -> Entry:
    """Say something about a volunteer; people are real whatever the mode of an incident."""
    who = event.volunteer_id
    return Entry(who, event, organisation, "actual", str(who), event.at, event.at)


async def stop(connection: asyncpg.Connection, volunteer_id: UUID, now: datetime) -> None:
    """End all new offers to a person, everywhere; what they are assigned to goes on until release."""
    await _hold(connection, volunteer_id, None, now)
    if await connection.fetchval(sql("stop_volunteer"), volunteer_id, now) is not None:
        event = VolunteerLeft(at=now, volunteer_id=volunteer_id)
        organisations = await organisations_of(connection, volunteer_id)
        await journal.append(connection, [entry(one, event) for one in organisations], now)


async def organisations_of(connection: asyncpg.Connection, volunteer_id: UUID) -> list[UUID]:
    """Return the organisations that have a person on their roster."""
    return [row["organisation"] for row in await connection.fetch(sql("organisations_of"), volunteer_id)]


async def restart(connection: asyncpg.Connection, volunteer_id: UUID) -> None:
    """Let a person be asked again who had said STOP."""
    await connection.fetchval(sql("restart_volunteer"), volunteer_id)


async def erase(uow: UnitOfWork, organisation: UUID, volunteer_id: UUID) -> None:
    """Take a volunteer off the roster; nothing personal is left where no other organisation knows the person.

    Raises ConflictError while the person is bound to an incident, whose safety messages need the number.
    """

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        await _hold(connection, volunteer_id, organisation, now)
        if await connection.fetchval(sql("is_assigned"), volunteer_id):
            raise ConflictError("this volunteer is assigned to a running incident: release them first")
        if await connection.fetchval(sql("end_membership"), organisation, volunteer_id) is None:
            raise NotFoundError("there is no such volunteer on this roster")
        event = VolunteerLeft(at=now, volunteer_id=volunteer_id)
        await journal.append(connection, [entry(organisation, event)], now)
        if not await organisations_of(connection, volunteer_id):
            await connection.execute(sql("erase_texts"), volunteer_id)
            await connection.execute(sql("erase_person"), volunteer_id)

    await uow.transact(work)


async def _hold(
    connection: asyncpg.Connection, volunteer_id: UUID, organisation: UUID | None, now: datetime
) -> None:
    """Withdraw what the person holds, and let nobody ask them before this is committed."""
    await _withdraw_offers(connection, volunteer_id, organisation, now)
    await connection.fetch(sql("lock_people"), [volunteer_id])
    # Whoever had claimed the person first has committed an offer by now.
    if await connection.fetch(sql("live_offers_of"), volunteer_id, organisation):
        raise RetryableError("somebody who leaves was asked meanwhile")


async def _withdraw_offers(
    connection: asyncpg.Connection, volunteer_id: UUID, organisation: UUID | None, now: datetime
) -> None:
    """Withdraw what waits for the person's answer; incidents are locked before people, here as everywhere."""
    rows = await connection.fetch(sql("live_offers_of"), volunteer_id, organisation)
    orders: list[tuple[UUID, Command]] = [(row["incident_id"], Free(volunteer_id, "left")) for row in rows]
    if orders:
        await assembly.work(connection, orders, now)
