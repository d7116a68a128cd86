"""Messages in Postgres: leased, settled, put back; whatever becomes of one is journalled with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import RetryableError
from dispatch.storage.queries import sql
from schemas.notifications import MessageDelivered, MessageEvent, MessageFailed, MessageSent, MessageSkipped

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
    """What a sender wants to take in hand, apart from what it holds."""

    channel: str
    recall: bool
    most: int
    lasting: timedelta
    held: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Leased:
    """A message in hand; a later lease of the same message has more attempts."""

    id: UUID
    attempts: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a message that was in one of the states `before`; `detail` stays in Postgres."""

    id: UUID
    status: Settled
    reason: str = ""
    before: Sequence[str] = ("leased",)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """Why a message in hand was not sent; `doubt` where the phone may have it all the same."""

    id: UUID
    reason: str
    doubt: bool


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
    return [Leased(row["id"], row["attempts"]) for row in rows]


async def settle(settlement: Settlement, connection: asyncpg.Connection, now: datetime) -> bool:
    """Note what became of a message; return False where something else had become of it before."""
    row = await connection.fetchrow(
        sql("settle_message"),
        settlement.id,
        settlement.status,
        settlement.detail or settlement.reason,
        settlement.before,
        now,
    )
    if row is not None:
        await append(connection, [_entry(row, settlement.status, settlement.reason, now)], now)
    return row is not None


async def put_back(delay: Delay, connection: asyncpg.Connection, now: datetime) -> asyncpg.Record | None:
    """Queue a message again, each time for longer; return its organisation, purpose and attempts."""
    return await connection.fetchrow(sql("put_message_back"), delay.id, delay.reason, delay.doubt, now)


async def skip_unserved(channels: Sequence[str], connection: asyncpg.Connection, now: datetime) -> int:
    """Skip what no gateway can send, and return how many that were."""
    rows = await connection.fetch(sql("skip_unserved"), channels, now)
    await append(connection, [_entry(row, "skipped", "no gateway", now) for row in rows], now)
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
