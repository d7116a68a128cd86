"""Telling a supervisor that something was parked, once per source and reason."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dispatch.domain.escalation import Cause
from dispatch.services.escalating import escalate, system_of
from dispatch.storage.parking import Parking
from dispatch.storage.queries import sql

LEVEL = 3


async def tell(connection: asyncpg.Connection, parked: Sequence[Parking], now: datetime) -> None:
    """Raise one escalation per source and topic; what names no known organisation is told to all."""
    everybody = [row["id"] for row in await connection.fetch(sql("all_organisations"))]
    told = set()
    for item in sorted(parked, key=lambda item: (str(item.organisation), item.topic, item.source)):
        named = [item.organisation] if item.organisation in everybody else everybody
        for organisation in sorted(named):
            reason = f"parked:{item.topic}:{item.source}"[:200]
            if (organisation, reason) not in told:
                told.add((organisation, reason))
                cause = Cause(reason, LEVEL, page=True, detail=item.reason[:200])
                await escalate(connection, organisation, "system", system_of(organisation), cause, now)
