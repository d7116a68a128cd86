"""A Kafka consumer that one record in a broken format neither stops nor makes lose others."""

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
    """Takes records one at a time where one cannot be decoded, and hands on a note in the place of that one.

    aiokafka raises at such a record for ever, and forgets what it had taken in the same call before it.
    It waits until there is something, however short the time given: FastStream sleeps that time, deaf, after each
    answer that is empty.
    """

    _closed: bool | None
    _astray = False
    _careful_until = 0.0

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        """Take the next records; all that was taken before must be committed, or sought back, by now."""
        if self._astray:
            await self._go_back()
        self._astray = True
        try:
            if _seconds() < self._careful_until:
                records = await self._one_of_each()
            else:
                records = await self._next(partitions, max(timeout_ms, WAIT_MS), max_records)
        except ILLEGIBLE:
            self._careful_until = _seconds() + CAREFUL_FOR_S
            return {}
        except FORBIDDEN as error:
            log.error("Kafka does not let this user read: grant Read on what is named", error=describe(error))  # noqa: TRY400
            raise
        self._astray = False
        return records

    async def stop(self) -> None:
        """Close every part, whatever became of the one before.

        aiokafka ends at the first that fails, and a fetch that was waiting to be tried again fails as if this very
        task were cancelled. What is left alive joins the next cluster's groups and holds partitions there.
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

    async def _go_back(self) -> None:
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
                records[place] = [await self._pass_over(place)]
        return records

    async def _pass_over(self, place: TopicPartition) -> Illegible:
        offset = await self.position(place)
        self.seek(place, offset + 1)
        log.error("illegible record", topic=place.topic, partition=place.partition, offset=offset)
        self._careful_until = 0.0
        return Illegible.at(place, offset)


def _seconds() -> float:
    return asyncio.get_running_loop().time()
