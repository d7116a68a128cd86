"""Telling a supervisor that something was parked, once per source and topic, and settling that when nothing is left."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dispatch.domain.escalation import Cause
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations
from dispatch.services.incidents.escalations import escalate, system_of
from dispatch.storage.parking import Parking
from dispatch.storage.queries import sql

LEVEL = 3


async def tell(connection: asyncpg.Connection, parked: Sequence[Parking], now: datetime) -> None:
    """Raise one escalation per source and topic; what names no known organisation is told to all."""
    everybody = [row["id"] for row in await connection.fetch(sql("organisation_ids"))]
    told = set()
    for item in sorted(parked, key=lambda item: (str(item.organisation), item.topic, item.source)):
        named = [item.organisation] if item.organisation in everybody else everybody
        for organisation in sorted(named):
            # `told_of_nothing` writes the same words.
            reason = f"parked:{item.topic}:{item.source}"[:200]
            if (organisation, reason) not in told:
                told.add((organisation, reason))
                cause = Cause(reason, LEVEL, page=True, detail=item.reason[:200])
                await escalate(connection, organisation, "system", system_of(organisation), cause, now)


async def calm(uow: UnitOfWork, by: str) -> int:
    """Settle what supervisors were told about parked messages of which none is left; return how much that was."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> int:
        settled = 0
        for organisation, reason in await connection.fetch(sql("told_of_nothing"), None, None):
            # Whoever parks tells before they commit: with the subject locked, what they parked is seen.
            await escalations.lock_system(connection, organisation)
            if await connection.fetch(sql("told_of_nothing"), organisation, reason):
                await escalations.settle(connection, organisation, reason, f"settled by {by}", now)
                settled += 1
        return settled

    return await uow.transact(inside)
