"""Messages in Postgres: leased, completed, requeued; each completion is journalled in the same transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

import asyncpg

from dispatch.storage import outages
from dispatch.storage.journal import Entry, append
from dispatch.storage.outages import Outage
from dispatch.storage.queries import sql
from schemas.notifications import MessageDelivered, MessageEvent, MessageFailed, MessageSent, MessageSkipped
from schemas.offers import Channel

OUR_ERROR = "an error of ours"
"""The reason of a message that Renfort itself failed to send; it says nothing about the gateway."""
FinalStatus = Literal["sent", "delivered", "failed", "skipped"]
EVENTS: dict[FinalStatus, type[MessageEvent]] = {
    "sent": MessageSent,
    "delivered": MessageDelivered,
    "failed": MessageFailed,
    "skipped": MessageSkipped,
}


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """The messages that a sender requests, apart from those that it holds: at most so many of each severity."""

    channel: str
    recall: bool
    most: Sequence[int]
    lasting: timedelta
    held: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class LeasedMessage:
    """A leased message, a page or not; a later lease of the same message has more attempts."""

    id: UUID
    severity: int
    attempts: int
    page: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The final status of a message; `detail` stays in Postgres."""

    id: UUID
    status: FinalStatus
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A leased message that was not sent, with the reason; `in_doubt` if the phone may have received it anyway."""

    id: UUID
    reason: str
    in_doubt: bool


SendOutcome = Completed | Postponed


async def lease(request: LeaseRequest, connection: asyncpg.Connection, now: datetime) -> list[LeasedMessage]:
    """Lease messages, the most severe first.

    `transaction` raises RetryableError if another sender leased a message to the same person meanwhile.
    """
    rows = await connection.fetch(
        sql("lease_messages"),
        request.channel,
        request.recall,
        now,
        request.held,
        request.most,
        now + request.lasting,
    )
    return [LeasedMessage(row["id"], row["severity"], row["attempts"], row["page"]) for row in rows]


async def complete(
    completed: Sequence[Completed],
    connection: asyncpg.Connection,
    now: datetime,
    *,
    before: Sequence[str] = ("leased",),
    organisation: UUID | None = None,
) -> list[asyncpg.Record]:
    """Complete messages, an organisation's or any; return those that had one of the statuses `before`."""
    rows = await connection.fetch(
        sql("complete_messages"),
        [one.id for one in completed],
        [one.status for one in completed],
        [one.detail or one.reason for one in completed],
        before,
        now,
        organisation,
    )
    by_id = {one.id: one for one in completed}
    entries = [_entry(row, by_id[row["id"]].status, by_id[row["id"]].reason, now) for row in rows]
    await append(connection, entries, now)
    return rows


async def carry(pages: Mapping[UUID, str], by: UUID, connection: asyncpg.Connection, now: datetime) -> None:
    """Skip pages of which the text of another page tells; those with a reason are told of nowhere any more."""
    rows = await connection.fetch(sql("carry_pages"), list(pages), by, list(pages.values()))
    await append(connection, [_entry(row, "skipped", row["reason"], now) for row in rows], now)


async def requeue(
    postponed: Sequence[Postponed], connection: asyncpg.Connection, now: datetime
) -> list[asyncpg.Record]:
    """Queue messages again, each time with a longer delay; return those that were leased, with their attempts."""
    return await connection.fetch(
        sql("requeue_messages"),
        [one.id for one in postponed],
        [one.reason for one in postponed],
        [one.in_doubt for one in postponed],
        now,
    )


async def record_outcomes(
    outcomes: Sequence[SendOutcome], connection: asyncpg.Connection, now: datetime
) -> dict[UUID, asyncpg.Record]:
    """Record how sends ended; return the messages that were still leased."""
    completed = [one for one in outcomes if isinstance(one, Completed)]
    postponed = [one for one in outcomes if isinstance(one, Postponed)]
    done = await complete(completed, connection, now) if completed else []
    queued = await requeue(postponed, connection, now) if postponed else []
    await _note_outages(connection, {one.id: one for one in outcomes}, [*done, *queued], now)
    return {row["id"]: row for row in (*done, *queued)}


async def _note_outages(
    connection: asyncpg.Connection,
    outcomes: Mapping[UUID, SendOutcome],
    rows: Sequence[asyncpg.Record],
    now: datetime,
) -> None:
    """End the outages of channels on which a message was sent, and record those on which none could be."""
    failing: list[Outage] = []
    shown: list[tuple[UUID, str, datetime]] = []
    for row in rows:
        organisation, channel, outcome = row["organisation"], row["channel"], outcomes[row["id"]]
        if isinstance(outcome, Completed) and outcome.status == "sent":
            shown.append((organisation, channel, now))
        elif isinstance(outcome, Postponed) and outcome.reason != OUR_ERROR:
            failing.append(Outage(organisation, channel, now, outcome.reason, row["recipient_id"]))
        if row["purpose"] == "offer":
            # Offers come by Kafka: one that a sender handles in any way shows that they reach the senders again.
            shown.append((organisation, outages.EVERY, row["created_at"]))
    await outages.end(connection, shown)
    await outages.record(connection, failing)


async def skip_unserved(served: Sequence[str], connection: asyncpg.Connection, now: datetime) -> Counter[str]:
    """Skip messages on channels that no gateway serves; return how many by channel."""
    unserved = sorted(set(get_args(Channel)).difference(served))
    rows = await connection.fetch(sql("skip_unserved"), unserved, now)
    entries = [_entry(row, "skipped", "no gateway", now) for row in rows]
    await append(connection, sorted(entries, key=lambda entry: entry.stream), now)
    return Counter(row["channel"] for row in rows)


def _entry(row: asyncpg.Record, status: FinalStatus, reason: str, now: datetime) -> Entry:
    event = EVENTS[status](
        at=now,
        message_id=row["id"],
        recipient_id=row["recipient_id"],
        incident_id=row["incident_id"],
        purpose=row["purpose"],
        channel=row["channel"],
        reason=reason,
    )
    return Entry(row["id"], event, row["organisation"], row["mode"], str(row["recipient_id"]), now, now)
