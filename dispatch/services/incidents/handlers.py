"""What assembling does with each topic that it hears: one call per consumer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Command, Free, Reply, Tick
from dispatch.domain.errors import RefusedError
from dispatch.services.incidents import assembly
from dispatch.services.incidents.assembly import Outcome
from dispatch.storage.queries import sql
from schemas.envelope import Received
from schemas.incidents import (
    IncidentConfirmed,
    IncidentEvent,
    IncidentGivenBack,
    IncidentOpened,
    IncidentResumed,
    IncidentUpdated,
    Widened,
)
from schemas.offers import Assigned
from schemas.replies import ReplyReceived

ASKS = (IncidentOpened, IncidentUpdated, IncidentConfirmed, IncidentResumed, IncidentGivenBack, Widened)
"""After these an incident may want volunteers that it did not want before."""


async def incidents(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Consider incidents that were opened, or opened up again."""
    names = {
        r.data.incident_id for r in received if isinstance(r.data, ASKS) and isinstance(r.data, IncidentEvent)
    }
    orders: list[tuple[UUID, Command]] = [(name, Tick()) for name in sorted(names)]
    await assembly.work(connection, orders, now)


async def replies(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Work answers in the order of their receipt; raises RefusedError where one is refused."""
    found = sorted(
        (r.data for r in received if isinstance(r.data, ReplyReceived)), key=lambda r: r.received_at
    )
    answers = [(r.incident_id, _reply(r)) for r in found]
    outcomes = await assembly.answer(connection, answers, now)
    await connection.execute(sql("settle_replies"), [r.reply_id for r in found], now)
    _insist(outcomes)


async def overlaps(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Free those who were assigned urgently from what they hold in lesser lanes; each incident in its own turn."""
    urgent = [r.data.volunteer_id for r in received if isinstance(r.data, Assigned)]
    rows = await connection.fetch(sql("overlapping_incidents"), urgent)
    orders: list[tuple[UUID, Command]] = [
        (row["incident_id"], Free(row["volunteer_id"], "overlap")) for row in rows
    ]
    if orders:
        await assembly.work(connection, orders, now)


def _reply(reply: ReplyReceived) -> Reply:
    return Reply(reply.offer_id, reply.volunteer_id, reply.answer, reply.channel, reply.received_at)


def _insist(outcomes: Sequence[Outcome]) -> None:
    refusals = [outcome.refused for outcome in outcomes if outcome.refused is not None]
    if refusals:
        raise RefusedError("; ".join(refusals))
