"""One transaction per batch of messages: take in, handle, park; and what happens when that fails."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

import asyncpg
import structlog

from dispatch.clock import Clock
from dispatch.domain.errors import RefusedError
from dispatch.logs import where
from dispatch.metrics import BATCHES
from dispatch.services.core.failures import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest import provenance
from dispatch.services.ingest.restore_fence import Forgotten
from dispatch.storage import inbox, parking
from dispatch.storage.pool import describe, retrying, transaction
from schemas.envelope import SOURCE, UNKNOWN_VERSION, Received, Unreadable, from_outside

Record = Received | Unreadable
Handler = Callable[[asyncpg.Connection, Sequence[Received], datetime], Awaitable[None]]
OnParked = Callable[[asyncpg.Connection, Sequence[parking.Parking], datetime], Awaitable[None]]

MOST_KEYS = 100
ATTEMPTS_ALONE = 3
SHORTEST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0

log = structlog.get_logger()


class NewerWriterError(Exception):
    """A newer version of Renfort wrote this: the topic waits until this process is replaced."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one consumer does with one topic."""

    consumer: str
    topic: str
    handle: Handler
    on_parked: OnParked | None = None

    async def do(self, connection: asyncpg.Connection, records: Sequence[Record], now: datetime) -> None:
        """Take in, handle, park: in this order, since telling of what was parked locks after incidents do."""
        received = {record.event_id: record for record in records if isinstance(record, Received)}
        fresh = await inbox.take(connection, self.consumer, list(received), now)
        known = [record for id_, record in received.items() if id_ in fresh and record.data is not None]
        if known:
            await self.handle(connection, known, now)
        await self.park(connection, [record for record in records if isinstance(record, Unreadable)], now)

    async def park(self, connection: asyncpg.Connection, items: Sequence[Unreadable], now: datetime) -> None:
        """Keep what cannot be handled and tell a human."""
        parked = await parking.park(connection, self.consumer, self.topic, items, now) if items else []
        for item in parked:
            log.error(
                "message parked",
                consumer=item.consumer,
                topic=item.topic,
                reason=item.reason,
                id=str(item.id),
            )
        if parked and self.on_parked is not None:
            await self.on_parked(connection, parked, now)


class Batches:
    """Run handlers over batches; whatever `run` raises, the broker must deliver the batch again."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, on_commit: Callable[[], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._on_commit = on_commit
        self._forgotten = Forgotten(UnitOfWork(pool, clock))
        self._failures: Counter[tuple[str, str]] = Counter()

    async def run(
        self,
        consumer: str,
        topic: str,
        records: Sequence[Record],
        handle: Handler,
        *,
        on_parked: OnParked | None = None,
    ) -> None:
        """Handle each record once, whatever was delivered before."""
        work = Work(consumer, topic, handle, on_parked)
        try:
            await self._forgotten.look()
            await self._in_parts(work, records)
        except Exception as error:
            BATCHES.labels(consumer, "failed").inc()
            await self._back_off(work, error)
            raise
        BATCHES.labels(consumer, "handled").inc()
        del self._failures[consumer, topic]

    async def _in_parts(self, work: Work, records: Sequence[Record]) -> None:
        readable = list(takewhile(lambda record: not _waits(work.topic, record), records))
        for part in split(readable):
            await self._batch(work, part)
        if len(readable) < len(records):
            raise NewerWriterError(
                f"{work.topic} holds a version that {work.consumer} does not know: upgrade it"
            )

    async def _batch(self, work: Work, records: Sequence[Record]) -> None:
        try:
            await self._together(work, records)
        except Exception as error:
            if is_transient(error):
                raise
            for record in records:
                await self._alone(work, record)

    async def _alone(self, work: Work, record: Record) -> None:
        """Try one record by itself; park it when it is refused or keeps failing."""
        for _ in range(ATTEMPTS_ALONE):
            try:
                return await self._together(work, [record])
            except RefusedError as refused:
                reason = str(refused)
                break
            except Exception as error:
                # What cannot even be parked is never skipped.
                if is_transient(error) or isinstance(record, Unreadable):
                    raise
                reason = where(error)
        return await self._give_up(work, record, reason)

    @retrying
    async def _together(self, work: Work, records: Sequence[Record]) -> None:
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            kept = await provenance.sift(
                connection, work.topic, await self._forgotten.sift(connection, records)
            )
            await work.do(connection, kept, now)
        self._on_commit()

    @retrying
    async def _give_up(self, work: Work, record: Record, reason: str) -> None:
        now = self._clock.now()
        async with transaction(self._pool) as connection:
            if isinstance(record, Received):
                await inbox.take(connection, work.consumer, [record.event_id], now)
                record = record.unreadable(reason)
            await work.park(connection, [record], now)
        self._on_commit()

    async def _back_off(self, work: Work, error: Exception) -> None:
        self._failures[work.consumer, work.topic] += 1
        failures = self._failures[work.consumer, work.topic]
        wait = min(SHORTEST_WAIT_S * 2 ** min(failures - 1, 10), LONGEST_WAIT_S)
        what = describe(error) if is_transient(error) or isinstance(error, NewerWriterError) else where(error)
        log.warning(
            "batch failed; it will come again",
            consumer=work.consumer,
            topic=work.topic,
            failures=failures,
            wait_s=wait,
            error=what,
        )
        await asyncio.sleep(wait)


def split(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Cut a batch, in order, so that no part has more than so many keys."""
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


def _waits(topic: str, record: Record) -> bool:
    """Tell whether a record must wait for a newer version of this program."""
    if not isinstance(record, Unreadable) or record.source != SOURCE:
        return False
    return record.reason == UNKNOWN_VERSION and not from_outside(topic)
