"""Commits of what was handled, a few each second: each request costs a broker more than a record does."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from dispatch.services.core.event_loop import seconds
from dispatch.storage.pool import describe

COMMIT_EVERY_S = 0.2
"""How much of the handled records a killed process leaves to be delivered again; the inbox passes none of them on."""
LAST_COMMIT_PATIENCE_S = 1.0

log = structlog.get_logger()


class HandledOffsets:
    """The offsets of one consumer's handled records that are not committed yet."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._returned: list[TopicPartition] = []
        self._handled: dict[TopicPartition, int] = {}
        self.reached: dict[TopicPartition, int] = {}
        """Where to read on in each partition of which this consumer has handled something, whatever is committed."""
        self._next_at = 0.0
        self._committing = asyncio.Lock()

    def returned(self, places: Iterable[TopicPartition]) -> None:
        """Record the partitions of the batch that is about to be handled."""
        self._returned = list(places)

    async def handled(self) -> None:
        """Record that the batch was handled, up to the present position of each of its partitions.

        A partition that was sought back, because a record waits, counts up to that record.
        """
        for place in self._returned:
            with suppress(IllegalStateError):  # revoked meanwhile
                self._handled[place] = self.reached[place] = await self._consumer.position(place)

    def wait_ms(self, otherwise: int) -> int:
        """Return how long to wait for records before the next commit is due."""
        if not self._handled:
            return otherwise
        return min(otherwise, max(1, int(1000 * (self._next_at - seconds()))))

    async def commit_due(self) -> None:
        """Commit, unless that was done less than `COMMIT_EVERY_S` ago."""
        if self._handled and seconds() >= self._next_at:
            await self._commit()

    async def commit_last(self) -> None:
        """Commit now, as far as Kafka answers in time, before the partitions are given up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_COMMIT_PATIENCE_S):
                await self._commit()
        self._handled.clear()

    async def _commit(self) -> None:
        async with self._committing:
            assigned = self._consumer.assignment()
            self._handled = {place: offset for place, offset in self._handled.items() if place in assigned}
            self._next_at = seconds() + COMMIT_EVERY_S
            offsets = dict(self._handled)
            try:
                if offsets:
                    await self._consumer.commit(offsets)
            except CommitFailedError:
                log.info("offsets were not committed: the partitions belong to another member")
            except KafkaError as error:
                log.warning("offsets could not be committed; trying again", error=describe(error))
                return
            self._forget(offsets)

    def _forget(self, committed: Mapping[TopicPartition, int]) -> None:
        # More may have been handled meanwhile.
        for place, offset in committed.items():
            if self._handled.get(place) == offset:
                del self._handled[place]
