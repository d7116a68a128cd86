"""Consumer handlers of the incidents: one function per subscription."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Command, Free, Tick
from dispatch.services.incidents import execution
from dispatch.storage.queries import sql
from schemas.decoding import Received
from schemas.incidents import (
    IncidentConfirmed,
    IncidentGivenBack,
    IncidentOpened,
    IncidentResumed,
    IncidentUpdated,
    Widened,
)
from schemas.offers import Assigned

SEARCH_TRIGGERS = (
    IncidentOpened, IncidentUpdated, IncidentConfirmed, IncidentResumed, IncidentGivenBack, Widened,
)  # fmt: skip
"""Events after which an incident may want volunteers that it did not want before."""


async def consider_incidents(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Extend the offers that incidents still want after they were opened, or may be staffed again.

    Mostly none does: what writes such an event extends the offers in the same transaction where it can.
    """
    names = {r.data.incident_id for r in received if isinstance(r.data, SEARCH_TRIGGERS)}
    rows = await connection.fetch(sql("incidents_to_ask_for"), sorted(names))
    if rows:
        await execution.lock_and_execute(connection, [(row["subject"], Tick()) for row in rows], now)


async def release_overlapping(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Release volunteers who were assigned in the lane `urgent` from what they hold in other lanes."""
    assigned = [r.data.volunteer_id for r in received if isinstance(r.data, Assigned)]
    rows = await connection.fetch(sql("overlapping_incidents"), assigned)
    commands: list[tuple[UUID, Command]] = [
        (row["incident_id"], Free(row["volunteer_id"], "overlap")) for row in rows
    ]
    if commands:
        await execution.lock_and_execute(connection, commands, now)
