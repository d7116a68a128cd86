"""Batches of records: inbox, handler and parking in one transaction, and the retries after a failure."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import structlog

from dispatch.clock import Clock
from dispatch.logs import where
from dispatch.metrics import BATCHES
from dispatch.services.core.error_classification import Failure, classify, log_fields
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest import provenance
from dispatch.services.ingest.parking_limit import within_limit
from dispatch.services.ingest.restore_fence import RestoreFence
from dispatch.services.ingest.waiting_partitions import WaitingPartition, WaitingPartitions
from dispatch.storage import inbox, parking
from dispatch.storage.pool import retrying, transaction
from schemas.decoding import Newer, PartitionOffset, Received, Unreadable

Record = Received | Unreadable
Handler = Callable[[asyncpg.Connection, Sequence[Received], datetime], Awaitable[None]]
OnParked = Callable[[asyncpg.Connection, Sequence[parking.Parking], datetime], Awaitable[None]]
Waiting = Mapping[int, int]
"""Partitions that wait for a newer version of this program, each with the offset to resume from."""

MOST_KEYS = 100
ATTEMPTS_ALONE = 3
SHORTEST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    """One consumer's handling of one topic; `waiting` grows while its batch is handled."""

    consumer: str
    topic: str
    handle: Handler
    on_parked: OnParked | None = None
    partitions: WaitingPartitions = field(default_factory=WaitingPartitions)
    waiting: dict[int, int] = field(default_factory=dict)

    async def do(self, connection: asyncpg.Connection, records: Sequence[Record], now: datetime) -> None:
        """Record, handle, park: in this order, since the alert about parked records takes its locks after incidents."""
        received = {record.event_id: record for record in records if isinstance(record, Received)}
        fresh = await inbox.record(connection, self.consumer, list(received), now)
        known = [record for id_, record in received.items() if id_ in fresh and record.data is not None]
        if known:
            await self.handle(connection, known, now)
        await self.park(connection, [record for record in records if isinstance(record, Unreadable)], now)

    async def park(self, connection: asyncpg.Connection, items: Sequence[Unreadable], now: datetime) -> None:
        """Store records that cannot be handled, and alert a supervisor."""
        kept = await within_limit(connection, self.consumer, self.topic, items)
        parked = await parking.park(connection, self.consumer, self.topic, kept, now) if kept else []
        for item in parked:
            log.error(
                "record parked",
                consumer=item.consumer,
                topic=item.topic,
                reason=item.reason,
                id=str(item.id),
            )
        if parked and self.on_parked is not None:
            await self.on_parked(connection, parked, now)

    def wait_at(self, record: Record, reason: str) -> None:
        """Leave the record and those after it on its partition to a newer version."""
        partition, offset = record.place
        # A handler may have to wait at an earlier record than the decoder: the earliest holds.
        if self._holds(record.place):
            return
        self.waiting[partition] = offset
        if self.partitions.is_due(WaitingPartition(self.consumer, self.topic, partition, offset)):
            log.warning(
                "partition waits for a newer version of Renfort: upgrade this process",
                consumer=self.consumer,
                topic=self.topic,
                partition=partition,
                offset=offset,
                reason=reason,
            )

    def allowed(self, records: Sequence[Record]) -> list[Record]:
        """Return the records that precede the one that their partition waits at."""
        if not self.waiting:
            return list(records)
        return [record for record in records if not self._holds(record.place)]

    def _holds(self, place: PartitionOffset) -> bool:
        return place.partition in self.waiting and place.offset >= self.waiting[place.partition]


class Batches:
    """Runs handlers over batches; whatever `run` raises, the broker must deliver the batch again."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, on_commit: Callable[[], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._on_commit = on_commit
        self._fence = RestoreFence(UnitOfWork(pool, clock))
        self._failures: Counter[tuple[str, str]] = Counter()
        self.waiting = WaitingPartitions()

    async def run(
        self,
        consumer: str,
        topic: str,
        records: Sequence[Record],
        handle: Handler,
        *,
        on_parked: OnParked | None = None,
    ) -> Waiting:
        """Handle each record once, however often it is delivered; return the partitions that must wait."""
        work = Work(consumer, topic, handle, on_parked, self.waiting)
        try:
            await self._fence.refresh()
            checked = await provenance.reject_unproven(self._pool, self._fence, topic, records)
            await self._in_parts(work, checked)
        except Exception as error:
            BATCHES.labels(consumer, "failed").inc()
            await self._back_off(work, error)
            raise
        BATCHES.labels(consumer, "handled").inc()
        del self._failures[consumer, topic]
        if work.waiting or self.waiting.current():
            self.waiting.record(consumer, topic, {record.place.partition for record in records}, work.waiting)
        return work.waiting

    async def _in_parts(self, work: Work, records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, Newer):
                work.wait_at(record, f"generation {record.generation}: {record.reason}")
        for part in split(work.allowed(records)):
            await self._batch(work, work.allowed(part))

    async def _batch(self, work: Work, records: Sequence[Record]) -> None:
        try:
            await self._together(work, records)
        except Exception as error:
            if classify(error) is Failure.TRY_AGAIN:
                raise
            for record in records:
                if work.allowed([record]):
                    await self._alone(work, record)

    async def _alone(self, work: Work, record: Record) -> None:
        """Handle one record by itself; park it when it is rejected or fails repeatedly."""
        reason = ""
        for _ in range(ATTEMPTS_ALONE):
            try:
                return await self._together(work, [record])
            except Exception as error:
                failure = classify(error)
                # What cannot even be parked is never skipped.
                if failure is Failure.TRY_AGAIN or isinstance(record, Unreadable):
                    raise
                if failure is Failure.NEWER_VERSION:
                    return work.wait_at(record, str(error))
                reason = str(error) if failure is Failure.SENDER else where(error)
                if failure is Failure.SENDER:
                    break
        return await self._give_up(work, record, reason)

    @retrying
    async def _together(self, work: Work, records: Sequence[Record]) -> None:
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            await work.do(connection, records, now)
        self._on_commit()

    @retrying
    async def _give_up(self, work: Work, record: Record, reason: str) -> None:
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            if isinstance(record, Received):
                await inbox.record(connection, work.consumer, [record.event_id], now)
                record = record.unreadable(reason)
            await work.park(connection, [record], now)
        self._on_commit()

    async def _back_off(self, work: Work, error: Exception) -> None:
        self._failures[work.consumer, work.topic] += 1
        failures = self._failures[work.consumer, work.topic]
        wait = min(SHORTEST_WAIT_S * 2 ** min(failures - 1, 10), LONGEST_WAIT_S)
        log.warning(
            "batch failed; it will be delivered again",
            consumer=work.consumer,
            topic=work.topic,
            failures=failures,
            wait_s=wait,
            **log_fields(error),
        )
        await asyncio.sleep(wait)


def split(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Split a batch, in order, into parts of at most `MOST_KEYS` keys."""
    part: list[Record] = []
    keys: set[bytes | None] = set()
    for record in records:
        if record.key not in keys and len(keys) == MOST_KEYS:
            yield part
            part, keys = [], set()
        keys.add(record.key)
        part.append(record)
    if part:
        yield part
