"""External clients of the topics: they publish reports directly to Kafka, and read what it holds."""

import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.record.util import calc_crc32c

from producers.kafka.topics import administration
from schemas.topics import BY_NAME

REPORTS = "incident.reports"
AT = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Message:
    """A record of an external producer."""

    body: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    key: bytes | None = b"neighbour"


def report_message(organisation: UUID, source_id: str, **changes: object) -> Message:
    """Return a valid report of a kind that no plan names."""
    fields: dict[str, object] = {
        "at": AT, "source": "neighbour", "source_id": source_id, "kind": "nuisance.noise",
        "position": {"lat": 48.85, "lon": 2.35},
    }  # fmt: skip
    attributes = {
        "ce_specversion": "1.0", "ce_id": source_id, "ce_source": "neighbour", "ce_type": "report.received.v1",
        "ce_organisation": str(organisation),
    }  # fmt: skip
    headers = [(name, value.encode()) for name, value in attributes.items()]
    return Message(orjson.dumps(fields | changes), headers)


async def publish(bootstrap: str, *messages: Message, partition: int | None = None) -> None:
    """Publish reports on their topic."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for one in messages:
            await producer.send_and_wait(
                REPORTS, one.body, key=one.key, headers=one.headers, partition=partition
            )


async def send_illegible(producer: AIOKafkaProducer, partition: int) -> None:
    """Send a valid record with a header name that is not UTF-8, which no client library can send."""
    record, send = _record(producer, partition)
    place = record.index(b"name")
    record[place : place + 4] = b"\xff\xfe\xfd\xfc"
    await send()


async def send_undecompressible(producer: AIOKafkaProducer, partition: int, codec: int) -> None:
    """Send a record that claims to be compressed with a codec, by Kafka's number for it, and is not."""
    record, send = _record(producer, partition)
    struct.pack_into(">H", record, 21, codec)
    await send()


async def send_miscounted(producer: AIOKafkaProducer, partition: int) -> None:
    """Send a batch of one record that claims to have two thousand million."""
    record, send = _record(producer, partition)
    struct.pack_into(">i", record, 57, 2**31 - 1)
    await send()


def _record(producer: AIOKafkaProducer, partition: int) -> tuple[bytearray, Callable[[], Awaitable[None]]]:
    """Return the bytes of a batch of one record, to be changed, and what sends them."""
    batch = producer.create_batch()
    batch.append(key=b"k", value=b"v", timestamp=1, headers=[("name", b"value")])
    batch.close()
    record = bytearray(batch._build())  # noqa: SLF001

    async def send() -> None:
        struct.pack_into(">I", record, 17, calc_crc32c(bytes(record[21:])))
        batch._buffer = bytes(record)  # noqa: SLF001
        await (await producer.send_batch(batch, REPORTS, partition=partition))

    return record, send


async def read_all(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Return all records of a topic, those of each partition in order."""
    places = [TopicPartition(topic, number) for number in range(BY_NAME[topic].partitions)]
    found: list[ConsumerRecord] = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place in places:
            while await consumer.position(place) < ends[place]:
                found += (await consumer.getmany(place, timeout_ms=200)).get(place, [])
    return found


async def behind(bootstrap: str, consumer: str, topic: str) -> int:
    """Return the lag of a consumer's group on a topic, in records."""
    async with administration(bootstrap) as admin:
        committed = await admin.list_consumer_group_offsets(f"renfort.{consumer}")
    places = [TopicPartition(topic, number) for number in range(BY_NAME[topic].partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as reader:
        ends = await reader.end_offsets(places)
    return sum(
        ends[place] - max(committed[place].offset, 0) if place in committed else ends[place]
        for place in places
    )
