"""Resolving parked messages: passed again to the consumer that parked them, or discarded by a human."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg

from dispatch.domain.errors import NewerVersionError, RefusedError
from dispatch.logs import where
from dispatch.services.core.error_classification import is_transient
from dispatch.services.core.short_ids import unknown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest import provenance
from dispatch.services.ingest.batches import Handler
from dispatch.services.ingest.restore_fence import RestoreFence
from dispatch.storage import inbox
from dispatch.storage.parking import LONGEST_REASON
from dispatch.storage.queries import sql
from schemas.decoding import Received, Unreadable, decode
from schemas.envelope import unpack
from schemas.reports import ReportReceived

STALE = timedelta(minutes=15)
"""The age from which on an actual report is not retried unless that is asked for: it would call people as if new."""

What = Literal["retried", "discarded", "refused", "stale", "settled", "unknown"]
Handlers = Mapping[tuple[str, str], Handler]


@dataclass(frozen=True, slots=True)
class ParkingResult:
    """The result for one parked message; `age` is the age of its content, if known, else of the parking."""

    id: UUID
    what: What
    detail: str
    age: timedelta | None = None

    @property
    def resolved(self) -> bool:
        """Return whether the message needs no further action."""
        return self.what in {"retried", "discarded", "settled"}


async def listed(uow: UnitOfWork, limit: int, *, settled: bool = False) -> list[dict[str, Any]]:
    """Return parked messages without their bytes, the latest first; `settled` includes the resolved ones."""
    return [dict(row) for row in await uow.pool.fetch(sql("list_parking"), limit, settled)]


async def count(uow: UnitOfWork, *, settled: bool = False) -> int:
    """Count the unresolved messages; `settled` includes the resolved ones."""
    return int(await uow.pool.fetchval(sql("count_parking"), settled))


async def show(uow: UnitOfWork, id_: UUID) -> dict[str, Any]:
    """Return one parked message with its bytes; raises NotFoundError."""
    row = await uow.pool.fetchrow(sql("show_parking"), id_)
    if row is None:
        raise unknown("parked message")
    return dict(row)


async def unresolved(uow: UnitOfWork, topic: str | None, reason: str | None) -> list[UUID]:
    """Return the ids of unresolved messages, the oldest first: of one topic, or with this text in the reason."""
    return [row["id"] for row in await uow.pool.fetch(sql("unresolved_parking"), topic, reason)]


async def retry(
    uow: UnitOfWork, known: Handlers, id_: UUID, by: str, *, even_stale: bool = False
) -> ParkingResult:
    """Pass one parked message to its consumer again; if refused, it stays parked with the new reason.

    Its row is locked: the second of two simultaneous calls finds the message resolved.
    """
    fence = RestoreFence(uow)
    await fence.refresh()

    async def inside(connection: asyncpg.Connection, now: datetime) -> ParkingResult:
        row = await connection.fetchrow(sql("lock_parking"), id_)
        if row is None or row["settled_at"] is not None:
            return _gone(id_, row)
        handle = known.get((row["consumer"], row["source_topic"]))
        if handle is None:
            return ParkingResult(
                id_, "refused", "a gateway's call cannot be retried: read it, then discard it"
            )
        # A message without a body must not be read as a tombstone.
        record = decode(row["source_topic"], row["key"], unpack(row["headers"]), row["body"] or b"")
        age = now - _occurred_at(record, row["parked_at"])
        if _calls_people(record) and age > STALE and not even_stale:
            return ParkingResult(
                id_, "stale", "an actual report that old would call people as though it were new", age
            )
        topic = row["source_topic"]
        (record,) = await provenance.reject_unproven(connection, fence, topic, [record])
        refusal = await _handle(connection, handle, row["consumer"], record, now)
        if refusal:
            await connection.execute(sql("record_refusal"), id_, refusal[:LONGEST_REASON])
            return ParkingResult(id_, "refused", refusal, age)
        await connection.execute(sql("resolve_parking"), id_, "retried", by, None, now)
        return ParkingResult(id_, "retried", await _effect(connection), age)

    return await uow.transact(inside)


async def discard(uow: UnitOfWork, id_: UUID, by: str, because: str) -> ParkingResult:
    """Erase the bytes of one parked message; who discarded it, when and why stays recorded."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> ParkingResult:
        row = await connection.fetchrow(sql("lock_parking"), id_)
        if row is None or row["settled_at"] is not None:
            return _gone(id_, row)
        await connection.execute(sql("resolve_parking"), id_, "discarded", by, because, now)
        return ParkingResult(id_, "discarded", because, now - row["parked_at"])

    return await uow.transact(inside)


async def _handle(
    connection: asyncpg.Connection,
    handle: Handler,
    consumer: str,
    record: Received | Unreadable,
    now: datetime,
) -> str:
    """Pass a message to a handler; return why it is refused, or an empty text.

    The inbox records the message, so that a redelivery is ignored. It is not consulted first: parking the message had
    recorded it too.
    """
    if not isinstance(record, Received):
        return record.reason
    try:
        async with connection.transaction():
            await inbox.record(connection, consumer, [record.event_id], now)
            if record.data is not None:
                await handle(connection, [record], now)
    except (RefusedError, NewerVersionError) as refused:
        return str(refused)
    except Exception as error:
        if is_transient(error):
            raise
        return where(error)
    return ""


def _gone(id_: UUID, row: asyncpg.Record | None) -> ParkingResult:
    if row is None:
        return ParkingResult(id_, "unknown", "nothing is parked under this id")
    how = f"{row['outcome'] or 'resolved'} by {row['settled_by'] or 'somebody'}"
    return ParkingResult(id_, "settled", f"{how} at {row['settled_at']:%Y-%m-%d %H:%M:%S} UTC")


def _calls_people(record: Received | Unreadable) -> bool:
    """Return whether a record may open an incident for which people are paged."""
    data = record.data if isinstance(record, Received) else None
    return isinstance(data, ReportReceived) and data.mode == "actual"


def _occurred_at(record: Received | Unreadable, parked_at: datetime) -> datetime:
    """Return the time of a message's content, or of its parking if that is earlier or the content is unknown."""
    if isinstance(record, Received) and record.data is not None:
        return min(record.data.at, parked_at)
    return parked_at


async def _effect(connection: asyncpg.Connection) -> str:
    """List the events that this transaction wrote."""
    rows = await connection.fetch(sql("events_of_this_transaction"))
    events = dict.fromkeys(f"{row['type'].rpartition('.v')[0]} {row['stream']}" for row in rows)
    return ", ".join(events) or "nothing had to change"
