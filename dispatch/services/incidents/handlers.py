"""Consumer handlers of the incidents: one function per subscription."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.commands import AnswerOffer, Command, Free, Tick
from dispatch.domain.errors import RefusedError
from dispatch.services.incidents import execution
from dispatch.services.incidents.execution import CommandResult
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
from schemas.replies import ReplyReceived

SEARCH_TRIGGERS = (
    IncidentOpened, IncidentUpdated, IncidentConfirmed, IncidentResumed, IncidentGivenBack, Widened,
)  # fmt: skip
"""Events after which an incident may want volunteers that it did not want before."""


async def consider_incidents(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Extend the offers that incidents want after they were opened, or may be staffed again."""
    names = {r.data.incident_id for r in received if isinstance(r.data, SEARCH_TRIGGERS)}
    commands: list[tuple[UUID, Command]] = [(name, Tick()) for name in sorted(names)]
    await execution.lock_and_execute(connection, commands, now)


async def apply_replies(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Apply volunteers' answers in the order of their receipt; raises RefusedError where one is refused."""
    replies = sorted(
        (r.data for r in received if isinstance(r.data, ReplyReceived)), key=lambda r: r.received_at
    )
    answers = [(reply.incident_id, _command(reply)) for reply in replies]
    results = await execution.execute_answers(connection, answers, now)
    await connection.execute(sql("mark_replies_processed"), [reply.reply_id for reply in replies], now)
    _raise_refusals(results)


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


def _command(reply: ReplyReceived) -> AnswerOffer:
    return AnswerOffer(reply.offer_id, reply.volunteer_id, reply.answer, reply.channel, reply.received_at)


def _raise_refusals(results: Sequence[CommandResult]) -> None:
    refusals = [result.refused for result in results if result.refused is not None]
    if refusals:
        raise RefusedError("; ".join(refusals))
