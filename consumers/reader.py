"""A Kafka consumer that survives a record in a broken format without losing others."""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import cramjam
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from consumers.commits import HandledOffsets
from consumers.pacing import FetchIntervals, FetchPacing
from consumers.records import Illegible
from dispatch.services.core.event_loop import seconds
from dispatch.storage.pool import describe

CAREFUL_FOR_S = 30.0
WAIT_MS = 10_000
ILLEGIBLE = (
    ValueError, LookupError, OverflowError, EOFError, struct.error,
    zlib.error, gzip.BadGzipFile, cramjam.DecompressionError, CorruptRecordException, UnsupportedCodecError,
)  # fmt: skip
"""What aiokafka and its decompressors raise at the bytes of a record."""
FORBIDDEN = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)

log = structlog.get_logger()

Records = dict[TopicPartition, list[ConsumerRecord]]
Fetch = Callable[..., Awaitable[bool]]
"""Sends a fetch of an assignment; returns whether it found records."""


class Reader(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka ships no types
    """Reads records one at a time where one cannot be decoded, and returns an `Illegible` in its place.

    aiokafka raises at such a record for ever, and drops what it had read before it in the same call.
    It waits until there is a record, however short the time given: FastStream sleeps for that time after each empty
    result. A commit without offsets, FastStream's after each batch, is deferred for a moment.
    """

    _closed: bool | None
    _unsettled = False
    _careful_until = 0.0

    def __init__(
        self,
        *topics: str,
        intervals: FetchIntervals | None = None,
        trusts_commits: bool = True,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        """Accept all of aiokafka's settings; with intervals, fetches are paced here and must not wait in the broker.

        Where anybody may commit, in the embedded broker, reading begins where this reader was, or else at the start:
        what it is given twice, the inbox drops.
        """
        super().__init__(*topics, **settings)
        self._trusts_commits = trusts_commits
        self._pacing = FetchPacing(intervals) if intervals else None
        self._offsets = HandledOffsets(self)
        self._suspected: dict[TopicPartition, int] = {}

    def wake(self) -> None:
        """Fetch now: records were published, or another position is to be read."""
        if self._pacing is not None:
            self._pacing.wake()

    async def start(self) -> None:
        """Join the group; wait until it has partitions."""
        await super().start()
        if self._pacing is not None:
            self._fetcher._proc_fetch_request = partial(  # noqa: SLF001 - aiokafka sends each fetch at once
                self._fetch,
                self._pacing,
                self._fetcher._proc_fetch_request,  # noqa: SLF001
            )

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read a partition from another offset, at once: a fetch that is not sent yet has the old one."""
        super().seek(partition, offset)
        self.wake()

    def seek_reached(self, places: Iterable[TopicPartition]) -> None:
        """Read partitions from where this reader was, unless what is committed can be trusted."""
        if not self._trusts_commits:
            for place in places:
                self.seek(place, self._offsets.reached.get(place, 0))

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        """Read partitions from their start; the request for it is sent when no fetch waits."""
        self.wake()
        return bool(await super().seek_to_beginning(*partitions))

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Records:
        """Return the next records; those returned before must be committed, or sought back, by now."""
        if self._unsettled:
            await self._seek_committed()
        self._unsettled = True
        try:
            if seconds() < self._careful_until:
                records = await self._one_of_each()
            else:
                records = await self._next(partitions, max(timeout_ms, WAIT_MS), max_records)
        except ILLEGIBLE:
            self._careful_until = seconds() + CAREFUL_FOR_S
            return {}
        except FORBIDDEN as error:
            log.error("this Kafka user may not read: grant Read on what is named", error=describe(error))  # noqa: TRY400
            raise
        self._unsettled = False
        self._offsets.returned(records)
        return records

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commit these offsets now, or, a moment later, what was returned and is handled."""
        if offsets is None:
            await self._offsets.handled()
        else:
            await super().commit(offsets)

    async def commit_last(self) -> None:
        """Commit what is handled, before the partitions are given up."""
        await self._offsets.commit_last()

    async def stop(self) -> None:
        """Close every part, also after one fails to close.

        aiokafka stops at the first that fails, and a fetch that waits for its retry fails as if this very task were
        cancelled. A part that stays alive joins the next cluster's groups and owns partitions there.
        """
        if self._closed:
            return
        self._closed = True
        await self.commit_last()
        failures = []
        for part in (self._coordinator, self._fetcher, self._client):
            failures += await asyncio.gather(part.close(), return_exceptions=True) if part else []
        for failure in failures:
            if isinstance(failure, Exception):
                raise failure

    @staticmethod
    async def _fetch(pacing: FetchPacing, send: Fetch, assignment: object, *request: object) -> bool:
        try:
            await pacing.turn(assignment)
        except asyncio.CancelledError:
            return False  # as aiokafka does: the partitions were lost, or the consumer stops
        found = await send(assignment, *request)
        pacing.record(found=found)
        return found

    async def _next(
        self, partitions: Sequence[TopicPartition], timeout_ms: int, max_records: int | None
    ) -> Records:
        records: Records = {}
        while not records and not self._closed:
            await self._offsets.commit_due()
            wait_ms = self._offsets.wait_ms(timeout_ms)
            records = await super().getmany(*partitions, timeout_ms=wait_ms, max_records=max_records)
        return records

    async def _seek_committed(self) -> None:
        await self.commit_last()
        for place in self.assignment():
            offset = await self.committed(place) if self._trusts_commits else self._offsets.reached.get(place)
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
                records |= await self._fetch_again_or_skip(place)
        return records

    async def _fetch_again_or_skip(self, place: TopicPartition) -> Records:
        """Fetch again from a record that failed for the first time; skip one that failed before.

        A batch that claims more records than it has fails at the offset of the next one, which is sound.
        """
        offset = await self.position(place)
        if self._suspected.pop(place, None) == offset:
            return {place: [self._skip(place, offset)]}
        self._suspected[place] = offset
        self.seek(place, offset)
        return {}

    def _skip(self, place: TopicPartition, offset: int) -> Illegible:
        self.seek(place, offset + 1)
        log.error("illegible record", topic=place.topic, partition=place.partition, offset=offset)
        self._careful_until = 0.0
        return Illegible.at(place, offset)
