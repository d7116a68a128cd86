"""Messages in Postgres: leased, settled, put back; whatever becomes of one is journalled with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

import asyncpg

from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import sql
from schemas.notifications import MessageDelivered, MessageEvent, MessageFailed, MessageSent, MessageSkipped
from schemas.offers import Channel

ONE_IN_FLIGHT = "messages_one_in_flight"

Settled = Literal["sent", "delivered", "failed", "skipped"]
EVENTS: dict[Settled, type[MessageEvent]] = {
    "sent": MessageSent,
    "delivered": MessageDelivered,
    "failed": MessageFailed,
    "skipped": MessageSkipped,
}


@dataclass(frozen=True, slots=True)
class Order:
    """What a sender wants to take in hand, apart from what it holds: at most so many of each severity."""

    channel: str
    recall: bool
    most: Sequence[int]
    lasting: timedelta
    held: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Leased:
    """A message in hand; a later lease of the same message has more attempts."""

    id: UUID
    severity: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a message; `detail` stays in Postgres."""

    id: UUID
    status: Settled
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """Why a message in hand was not sent; `doubt` where the phone may have it all the same."""

    id: UUID
    reason: str
    doubt: bool


Outcome = Settlement | Delay


async def lease(order: Order, connection: asyncpg.Connection, now: datetime) -> list[Leased]:
    """Take messages in hand, the most severe first.

    Raises RetryableError where another sender took a message to the same person meanwhile.
    """
    try:
        rows = await connection.fetch(
            sql("lease_messages"),
            order.channel,
            order.recall,
            now,
            order.held,
            order.most,
            now + order.lasting,
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != ONE_IN_FLIGHT:
            raise
        raise RetryableError(ONE_IN_FLIGHT) from error
    return [Leased(row["id"], row["severity"], row["attempts"]) for row in rows]


async def settle(
    settlements: Sequence[Settlement],
    connection: asyncpg.Connection,
    now: datetime,
    *,
    before: Sequence[str] = ("leased",),
) -> list[asyncpg.Record]:
    """Note what became of messages; return those that were in one of the states `before`."""
    rows = await connection.fetch(
        sql("settle_messages"),
        [one.id for one in settlements],
        [one.status for one in settlements],
        [one.detail or one.reason for one in settlements],
        before,
        now,
    )
    by_id = {one.id: one for one in settlements}
    entries = [_entry(row, by_id[row["id"]].status, by_id[row["id"]].reason, now) for row in rows]
    await append(connection, entries, now)
    return rows


async def put_back(
    delays: Sequence[Delay], connection: asyncpg.Connection, now: datetime
) -> list[asyncpg.Record]:
    """Queue messages again, each time for longer; return those that were in hand, with their attempts."""
    return await connection.fetch(
        sql("put_messages_back"),
        [one.id for one in delays],
        [one.reason for one in delays],
        [one.doubt for one in delays],
        now,
    )


async def record(
    outcomes: Sequence[Outcome], connection: asyncpg.Connection, now: datetime
) -> dict[UUID, asyncpg.Record]:
    """Note how tries ended; return the messages that were still in hand."""
    settlements = [one for one in outcomes if isinstance(one, Settlement)]
    delays = [one for one in outcomes if isinstance(one, Delay)]
    settled = await settle(settlements, connection, now) if settlements else []
    delayed = await put_back(delays, connection, now) if delays else []
    return {row["id"]: row for row in (*settled, *delayed)}


async def skip_unserved(served: Sequence[str], connection: asyncpg.Connection, now: datetime) -> int:
    """Skip what no gateway can send, and return how many that were."""
    unserved = sorted(set(get_args(Channel)).difference(served))
    rows = await connection.fetch(sql("skip_unserved"), unserved, now)
    entries = [_entry(row, "skipped", "no gateway", now) for row in rows]
    await append(connection, sorted(entries, key=lambda entry: entry.stream), now)
    return len(rows)


def _entry(row: asyncpg.Record, status: Settled, reason: str, now: datetime) -> Entry:
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
