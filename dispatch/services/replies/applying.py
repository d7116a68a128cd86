"""Applying answers: each person's in the order of their receipt, whichever partition carries them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from dispatch.domain.answering.answers import COMES
from dispatch.domain.commands import AnswerOffer
from dispatch.domain.errors import NewerVersionError, RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.messaging.sending_time import TRUSTED_DELAY
from dispatch.services.incidents import execution
from dispatch.services.incidents.execution import CommandResult
from dispatch.storage import inbox, write_generation
from dispatch.storage import incidents as store
from dispatch.storage.coming import Coming
from dispatch.storage.queries import bound, columns, sql
from schemas.decoding import Received
from schemas.ids import derived
from schemas.replies import DOUBTFUL, ReplyReceived

CONSUMER = "replies"
FIELDS = ("offer_id", "volunteer_id", "answer", "channel", "received_at", "sent_at", "reason", "eta_at")
Pair = tuple[UUID, UUID]
"""A volunteer, and the incident to which they say that they come."""
DOUBTS_SINCE = 2
"""The first generation that has the events of a doubt, of an arrival and of a waiting list."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One stored answer, and the command that applies it."""

    id: UUID
    incident_id: UUID
    command: AnswerOffer

    @property
    def event_id(self) -> UUID:
        """Return the id of its event, the first of its stream."""
        return derived(self.id, 1)


async def apply_replies(connection: asyncpg.Connection, received: Sequence[Received], now: datetime) -> None:
    """Apply volunteers' answers in the order of their receipt; raises RefusedError where one is refused.

    A topic orders the answers to one incident. What a person answered to others before is applied in the same
    transaction, or waited for where another consumer is applying it.
    """
    replies = [_reply(record.data) for record in received if isinstance(record.data, ReplyReceived)]
    if earlier := await _earlier(connection, replies):
        # An earlier answer that is refused, or needs a newer version, is left to its own record.
        with suppress(RefusedError, NewerVersionError):
            async with connection.transaction():
                fresh = await inbox.record(connection, CONSUMER, [reply.event_id for reply in earlier], now)
                unapplied = [reply for reply in earlier if reply.event_id in fresh]
                await _apply(connection, [*unapplied, *replies], now)
            return
    await _apply(connection, replies, now)


async def _earlier(connection: asyncpg.Connection, replies: Sequence[Reply]) -> list[Reply]:
    """Return the unprocessed answers, outside the batch, that precede one of the same person in it."""
    last = {reply.command.volunteer_id: reply.command.received_at for reply in _ordered(replies)}
    ids = [reply.id for reply in replies]
    rows = await connection.fetch(sql("earlier_replies"), list(last), list(last.values()), ids)
    return [Reply(row["id"], row["incident_id"], _command(dict(row))) for row in rows]


async def _apply(connection: asyncpg.Connection, replies: Sequence[Reply], now: datetime) -> None:
    """Lock the incidents, then the volunteers who accept; decide, and raise RefusedError for what was refused."""
    ordered = _ordered(replies)
    answered = [reply.command.offer_id for reply in ordered]
    locked = await store.lock(connection, (reply.incident_id for reply in ordered), answered)
    names = [reply.id for reply in ordered]
    rows = await connection.fetch(sql("mark_replies_processed"), names, now, TRUSTED_DELAY)
    overtaken_by = {row["id"]: frozenset(row["overtaken_by"]) for row in rows}
    engaged, apart = await _engaged_and_apart(connection, ordered, locked)
    commands = [
        (
            reply.incident_id,
            replace(
                reply.command,
                engaged=(reply.command.volunteer_id, reply.incident_id) in engaged,
                apart=frozenset(apart[reply.command.volunteer_id, reply.incident_id]),
                overtaken_by=overtaken_by.get(reply.id, frozenset()),
            ),
        )
        for reply in ordered
    ]
    _raise_refusals(await execution.execute(connection, commands, locked, now))


async def _engaged_and_apart(
    connection: asyncpg.Connection, replies: Iterable[Reply], locked: Mapping[UUID, Incident]
) -> tuple[set[Pair], Mapping[Pair, set[UUID]]]:
    """Lock those who come; return who is assigned to another incident outside the batch, and who must not meet whom.

    Each is named with the incident to which they come.
    """
    engaged: set[Pair] = set()
    apart: defaultdict[Pair, set[UUID]] = defaultdict(set)
    coming = [
        Coming.to(locked[reply.incident_id], reply.command.volunteer_id)
        for reply in replies
        if reply.command.answer in COMES and reply.incident_id in locked
    ]
    if not coming:
        return engaged, apart
    await connection.execute(sql("lock_volunteers"), sorted({one.volunteer_id for one in coming}))
    query = bound("engaged_or_apart", locked=list(locked), **columns(Coming, coming))
    for who, name, other in await connection.fetch(*query):
        if other is None:
            engaged.add((who, name))
        else:
            apart[who, name].add(other)
    return engaged, apart


def _reply(event: ReplyReceived) -> Reply:
    return Reply(event.reply_id, event.incident_id, _command(vars(event)))


def _command(values: Mapping[str, object]) -> AnswerOffer:
    command = AnswerOffer(**{name: values[name] for name in FIELDS})  # type: ignore[arg-type]
    if write_generation.current >= DOUBTS_SINCE:
        return command
    # Processes of generation 1 can read no doubt, no arrival and no waiting list: a doubt is the no that they read.
    return replace(
        command, eta_at=None, waits=False, reason=None if command.reason == DOUBTFUL else command.reason
    )


def _ordered(replies: Iterable[Reply]) -> list[Reply]:
    return sorted(replies, key=lambda reply: reply.command.received_at)


def _raise_refusals(results: Iterable[CommandResult]) -> None:
    refusals = [result.refused for result in results if result.refused is not None]
    if refusals:
        raise RefusedError("; ".join(refusals))
