"""A Kafka consumer that survives a record in a broken format without losing others."""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from consumers.records import Illegible
from dispatch.storage.pool import describe

CAREFUL_FOR_S = 30.0
WAIT_MS = 1_000
ILLEGIBLE = (ValueError, CorruptRecordException, UnsupportedCodecError)
FORBIDDEN = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)

log = structlog.get_logger()

Records = dict[TopicPartition, list[ConsumerRecord]]


class Reader(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka ships no types
    """Reads records one at a time where one cannot be decoded, and returns an `Illegible` in its place.

    aiokafka raises at such a record for ever, and drops what it had read before it in the same call.
    It waits until there is a record, however short the time given: FastStream sleeps for that time after each empty
    result.
    """

    _closed: bool | None
    _unsettled = False
    _careful_until = 0.0

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        """Return the next records; those returned before must be committed, or sought back, by now."""
        if self._unsettled:
            await self._seek_committed()
        self._unsettled = True
        try:
            if _seconds() < self._careful_until:
                records = await self._one_of_each()
            else:
                records = await self._next(partitions, max(timeout_ms, WAIT_MS), max_records)
        except ILLEGIBLE:
            self._careful_until = _seconds() + CAREFUL_FOR_S
            return {}
        except FORBIDDEN as error:
            log.error("this Kafka user may not read: grant Read on what is named", error=describe(error))  # noqa: TRY400
            raise
        self._unsettled = False
        return records

    async def stop(self) -> None:
        """Close every part, also after one fails to close.

        aiokafka stops at the first that fails, and a fetch that waits for its retry fails as if this very task were
        cancelled. A part that stays alive joins the next cluster's groups and owns partitions there.
        """
        if self._closed:
            return
        self._closed = True
        failures = []
        for part in (self._coordinator, self._fetcher, self._client):
            failures += await asyncio.gather(part.close(), return_exceptions=True) if part else []
        for failure in failures:
            if isinstance(failure, Exception):
                raise failure

    async def _next(
        self, partitions: Sequence[TopicPartition], timeout_ms: int, max_records: int | None
    ) -> Records:
        records: Records = {}
        while not records and not self._closed:
            records = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        return records

    async def _seek_committed(self) -> None:
        for place in self.assignment():
            offset = await self.committed(place)
            if offset is None:
                await self.seek_to_beginning(place)
            else:
                self.seek(place, offset)

    async def _one_of_each(self) -> Records:
        records: Records = {}
        for place in self.assignment():
            try:
                records |= await super().getmany(place, max_records=1)
            except ILLEGIBLE:
                records[place] = [await self._skip(place)]
        return records

    async def _skip(self, place: TopicPartition) -> Illegible:
        offset = await self.position(place)
        self.seek(place, offset + 1)
        log.error("illegible record", topic=place.topic, partition=place.partition, offset=offset)
        self._careful_until = 0.0
        return Illegible.at(place, offset)


def _seconds() -> float:
    return asyncio.get_running_loop().time()
