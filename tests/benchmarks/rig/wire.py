"""Topics: fill one from the journal, and measure the growth of one."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from dispatch.storage.pool import open_pool
from producers.kafka.topics import administration
from schemas.envelope import unpack
from tests.benchmarks.figures import Sample

T = TypeVar("T")
Message = tuple[bytes, list[tuple[str, bytes]], bytes]
PARTITIONS = 12
EVERY_S = 0.05
"""Seconds between two polls of a topic; the quickest bound takes a quarter of a second."""
STILL_FOR_S = 60.0
"""Seconds without growth after which a topic counts as stalled."""

SAID = "SELECT key, headers, body FROM journal WHERE topic = $1 ORDER BY id"
FORGET = "DELETE FROM outbox USING journal WHERE outbox.position = journal.id AND topic = $1"


class StuckError(Exception):
    """The measured topic stopped growing."""


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """A part of a growth between two polls: duration, amount, and the notes taken at both."""

    wall_s: float
    amount: float
    first: T
    last: T


@dataclass(frozen=True, slots=True)
class Growth(Generic[T]):
    """The growth of a topic to its total, with a note taken at each poll."""

    samples: list[Sample]
    notes: list[T]
    total: int

    def between(self, start: float, end: float) -> Span[T]:
        """Return the part between the polls at which two fractions of the total were reached; never the same poll."""
        one, other = (self._reached(part * self.total) for part in (start, end))
        one = min(one, max(0, other - 1))
        (begun, before), (ended, after) = self.samples[one], self.samples[other]
        return Span(ended - begun, after - before, self.notes[one], self.notes[other])

    def _reached(self, amount: float) -> int:
        return next(n for n, (_, held) in enumerate(self.samples) if held >= amount)


async def said(dsn: str, topic: str) -> list[Message]:
    """Remove the messages of a topic from the outbox, so that the benchmark publishes them, not a relay."""
    pool = await open_pool(dsn, application="benchmark", size=1)
    try:
        rows = await pool.fetch(SAID, topic)
        await pool.execute(FORGET, topic)
    finally:
        pool.terminate()
    return [(row["key"], unpack(row["headers"]), row["body"]) for row in rows]


async def make_topics(bootstrap: str, *names: str) -> None:
    """Create topics with the product's numbers of partitions."""
    async with administration(bootstrap) as admin:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])


async def stamp(bootstrap: str, topic: str) -> None:
    """Let the broker stamp the arrival of a record, since a reader may be late."""
    by_broker = {"message.timestamp.type": "LogAppendTime"}
    async with administration(bootstrap) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, by_broker)])


@asynccontextmanager
async def producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """Connect as the relay does."""
    one = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=131_072)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def publish(bootstrap: str, topic: str, messages: Sequence[Message]) -> None:
    """Publish messages as fast as possible."""
    async with producer(bootstrap) as sender:
        futures = [await sender.send(topic, body, key=key, headers=pairs) for key, pairs, body in messages]
        await asyncio.gather(*futures)


async def watch(
    bootstrap: str, topic: str, total: int, note: Callable[[], T], *, since: int = 0
) -> Growth[T]:
    """Poll the end offsets of a topic until it has grown by so many records; nothing is read.

    Raises StuckError where it grows no more.
    """
    growth: Growth[T] = Growth([], [], total)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        grown = time.monotonic()
        while not growth.samples or growth.samples[-1][1] < total:
            held = sum((await consumer.end_offsets(places)).values()) - since
            if not growth.samples or held > growth.samples[-1][1]:
                grown = time.monotonic()
            growth.samples.append((time.monotonic(), held))
            growth.notes.append(note())
            if time.monotonic() - grown > STILL_FOR_S:
                raise StuckError(f"{topic} stays at {held} of {total} records")
            await asyncio.sleep(EVERY_S)
    finally:
        await consumer.stop()
    return growth
