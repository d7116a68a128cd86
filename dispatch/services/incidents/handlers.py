"""Consumer handlers of the incidents: one function per subscription."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Command, Free, Tick, Unreached
from dispatch.domain.messaging.send_decision import PAUSED
from dispatch.services.incidents import execution, live_offers
from dispatch.storage import write_generation
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
from schemas.notifications import MessageFailed, MessageSkipped
from schemas.offers import Assigned

MANY, MANY_WITHIN = 20, timedelta(minutes=1)
"""So many places of one incident are freed at once within this time; more of them wait for their offers to expire."""
URGENT_LASTS = timedelta(hours=2)
"""How long somebody who goes to an urgent incident is expected to be away: what begins later is left to them."""
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


async def replace_unreached(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Withdraw the offers of which no message arrives any more, and ask the next volunteers.

    Other messages, by far the most, cost nothing here.
    """
    if write_generation.current < live_offers.MISSED_SINCE:
        return
    ended = [r.data for r in received if isinstance(r.data, MessageFailed | MessageSkipped)]
    about = {one.message_id: one for one in ended if one.purpose == "offer"}
    if not about:
        return
    rows = await connection.fetch(sql("undeliverable_offers"), sorted(about), now - MANY_WITHIN)
    commands: list[tuple[UUID, Command]] = []
    for row in rows:
        paused = any(about[message].reason == PAUSED for message in row["messages"])
        command = Unreached(row["id"], "unsent" if paused else "unreached", many=row["lately"] >= MANY)
        commands.append((row["incident_id"], command))
    if commands:
        await execution.lock_and_execute(connection, commands, now)


async def release_overlapping(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Release volunteers who were assigned in the lane `urgent` from what they hold in other lanes at that time."""
    assigned = [r.data.volunteer_id for r in received if isinstance(r.data, Assigned)]
    rows = await connection.fetch(sql("overlapping_incidents"), assigned, now, now + URGENT_LASTS)
    commands: list[tuple[UUID, Command]] = [
        (row["incident_id"], Free(row["volunteer_id"], "overlap")) for row in rows
    ]
    if commands:
        await execution.lock_and_execute(connection, commands, now)
