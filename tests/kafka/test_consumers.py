"""The broker of the consumers: every record reaches its handler, and a failed batch is delivered again."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from consumers import broker as groups
from consumers.broker import Broker
from dispatch.embedded import EmbeddedBroker
from producers.kafka.topics import ensure
from schemas.decoding import Received, Unreadable
from tests.support.site import until

pytestmark = [pytest.mark.timeout(60)]

REPORTS, POSITIONS, EVENTS = "incident.reports", "volunteer.positions", "incident.events"


class Handler:
    """Records its batches, and fails the first of them as configured."""

    def __init__(self) -> None:
        self.taken: list[Received | Unreadable] = []
        self.failures: list[Exception] = []

    async def __call__(self, batch: list[Received | Unreadable]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.taken += batch

    async def has(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.taken) >= count

        await until(enough)
        assert len(self.taken) == count

    @property
    def bodies(self) -> list[bytes | None]:
        return [message.body for message in self.taken]


Listen = Callable[[str, str], Awaitable[Handler]]


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker") as broker:
        await ensure(broker.address)
        yield broker


@pytest.fixture
async def producer(embedded: EmbeddedBroker) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=embedded.address) as producer:
        yield producer


@pytest.fixture
async def broker(embedded: EmbeddedBroker) -> AsyncIterator[Broker]:
    broker = groups.build(embedded.address, embedded=True)
    yield broker
    await groups.stop(broker)


def listen(broker: Broker, topic: str) -> Handler:
    handler = Handler()
    groups.subscribe(broker, topic, "tests", handler)
    return handler


async def test_a_message_sent_before_the_group_existed_is_handled(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    await producer.send_and_wait(REPORTS, b"early")
    await groups.start(broker)
    await handler.has(1)


async def test_a_failed_batch_is_delivered_again_whole_and_in_order(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    for body in (b"one", b"two", b"three"):
        await producer.send_and_wait(REPORTS, body, partition=0)
    handler.failures = [ValueError(), OSError()]
    await groups.start(broker)
    await handler.has(3)
    assert handler.bodies == [b"one", b"two", b"three"]


async def test_committed_messages_are_not_delivered_again_after_a_restart(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"before")
    await handler.has(1)
    await groups.stop(broker)
    await producer.send_and_wait(REPORTS, b"meanwhile")
    await groups.start(broker)
    await handler.has(2)


async def test_headers_and_keys_of_any_bytes_are_handled(broker: Broker, producer: AIOKafkaProducer) -> None:
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"\xff", key=b"\x00\xff", headers=[("ce_id", b"\xff"), ("x", None)])
    await producer.send_and_wait(REPORTS, None, key=b"a report cannot be unsaid")
    await handler.has(2)
    assert all(isinstance(message, Unreadable) for message in handler.taken)


async def test_a_tombstone_reaches_only_handlers_that_expect_one(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    positions, events = listen(broker, POSITIONS), listen(broker, EVENTS)
    await groups.start(broker)
    for topic in (POSITIONS, EVENTS):
        await producer.send_and_wait(topic, None, key=b"volunteer")
        await producer.send_and_wait(topic, b"no JSON", key=b"volunteer")
    await positions.has(2)
    await events.has(1)
    assert isinstance(positions.taken[0], Received)
    assert positions.taken[0].key == b"volunteer"


async def test_a_record_that_violates_kafkas_format_is_reported_and_the_others_are_handled(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    for partition in (0, 1, 2):
        await producer.send_and_wait(REPORTS, b"before", partition=partition)
    await send_illegible(producer, partition=1)
    for partition in (0, 1, 2):
        await producer.send_and_wait(REPORTS, b"after", partition=partition)
    await groups.start(broker)
    await handler.has(7)
    assert sorted(body or b"" for body in handler.bodies) == [b""] + 3 * [b"after"] + 3 * [b"before"]
    (broken,) = [message for message in handler.taken if message.body is None]
    assert isinstance(broken, Unreadable)
    assert b"partition 1, offset 1" in broken.headers


async def test_an_error_is_logged_without_its_message(
    broker: Broker, producer: AIOKafkaProducer, caplog: pytest.LogCaptureFixture
) -> None:
    handler = listen(broker, REPORTS)
    handler.failures = [ValueError("06 12 34 56 78")]
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"x")
    await handler.has(1)
    (entry,) = [entry for entry in caplog.records if entry.name == "consumers.broker"]
    assert entry.levelno == logging.ERROR
    assert "ValueError at test_consumers.py" in caplog.text
    assert "12 34" not in caplog.text


async def test_a_consumer_waits_for_a_broker_that_is_absent_at_start(
    broker: Broker, embedded: EmbeddedBroker
) -> None:
    handler = listen(broker, REPORTS)
    await embedded.stop()
    starting = asyncio.create_task(groups.start(broker))
    await asyncio.sleep(0.3)
    assert not starting.done()
    await embedded.start()
    await ensure(embedded.address, embedded=True)
    await starting
    async with AIOKafkaProducer(bootstrap_servers=embedded.address) as producer:
        await producer.send_and_wait(REPORTS, b"x")
    await handler.has(1)


async def test_an_offset_beyond_the_end_of_a_partition_is_reset_to_its_beginning(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    (subscriber,) = broker.listening
    assert subscriber.consumer is not None
    for place in subscriber.consumer.assignment():
        subscriber.consumer.seek(place, 1000)
    await producer.send_and_wait(REPORTS, b"x", partition=3)
    await handler.has(1)


async def send_illegible(producer: AIOKafkaProducer, partition: int) -> None:
    """Send a valid record with a header name that is not UTF-8, which no client library can send."""
    batch = producer.create_batch()
    batch.append(key=b"k", value=b"v", timestamp=1, headers=[("name", b"value")])
    batch.close()
    record = bytearray(batch._build())  # noqa: SLF001
    place = record.index(b"name")
    record[place : place + 4] = b"\xff\xfe\xfd\xfc"
    struct.pack_into(">I", record, 17, calc_crc32c(bytes(record[21:])))
    batch._buffer = bytes(record)  # noqa: SLF001
    await (await producer.send_batch(batch, REPORTS, partition=partition))


async def test_a_partition_that_waits_lets_the_others_go_on_and_is_read_again(
    broker: Broker, embedded: EmbeddedBroker, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "READ_WAITING_AGAIN_AFTER_S", 0.5)
    readable = False
    handled: list[bytes | None] = []

    async def handler(batch: list[Received | Unreadable]) -> dict[int, int]:
        waiting: dict[int, int] = {}
        for record in batch:
            partition, offset = record.place
            if record.body == b"newer" and not readable:
                waiting.setdefault(partition, offset)
            if partition not in waiting:
                handled.append(record.body)
        return waiting

    async def handles(*bodies: bytes) -> None:
        async def enough() -> bool:
            return len(handled) >= len(bodies)

        await until(enough)
        assert handled == list(bodies)

    groups.subscribe(broker, EVENTS, "tests", handler)
    for partition, body in ((0, b"one"), (0, b"newer"), (0, b"two")):
        await producer.send_and_wait(EVENTS, body, partition=partition)
    await groups.start(broker)
    await handles(b"one")
    await producer.send_and_wait(EVENTS, b"elsewhere", partition=1)
    await handles(b"one", b"elsewhere")
    await groups.stop(broker)
    # A restart goes on at the record that waits: neither before it nor after it.
    again = groups.build(embedded.address, embedded=True)
    groups.subscribe(again, EVENTS, "tests", handler)
    await groups.start(again)
    await asyncio.sleep(1)
    assert handled == [b"one", b"elsewhere"]
    readable = True
    await handles(b"one", b"elsewhere", b"newer", b"two")
    await groups.stop(again)


class WaitingHandler:
    """Waits at one body until it is readable, and fails at another as often as configured."""

    def __init__(self, newer: bytes, fails_at: bytes, failures: int) -> None:
        self.newer: bytes | None = newer
        self.fails_at, self.failures = fails_at, failures
        self.handled: list[bytes] = []

    async def __call__(self, batch: list[Received | Unreadable]) -> dict[int, int]:
        if self.failures and any(record.body == self.fails_at for record in batch):
            self.failures -= 1
            raise OSError
        waiting = {
            record.place.partition: record.place.offset for record in batch if record.body == self.newer
        }
        for record in batch:
            partition, offset = record.place
            if offset < waiting.get(partition, offset + 1):
                self.handled.append(record.body or b"")
        return waiting

    async def has(self, *bodies: str) -> None:
        expected = {body.encode() for body in bodies}

        async def enough() -> bool:
            return expected <= set(self.handled)

        await until(enough)
        assert set(self.handled) == expected


async def test_what_waits_survives_members_that_join_and_leave_and_a_handler_that_fails(
    broker: Broker, embedded: EmbeddedBroker, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "READ_WAITING_AGAIN_AFTER_S", 0.2)
    handler = WaitingHandler(b"0-2", fails_at=b"1-3", failures=4)
    for body in ("0-1", "0-2", "0-3", "1-1", "1-2", "1-3", "2-1"):
        await producer.send_and_wait(EVENTS, body.encode(), partition=int(body[0]))
    groups.subscribe(broker, EVENTS, "tests", handler)
    await groups.start(broker)
    first = ("0-1", "1-1", "1-2", "1-3", "2-1")
    await handler.has(*first)
    second = groups.build(embedded.address, embedded=True)
    groups.subscribe(second, EVENTS, "tests", handler)
    await groups.start(second)
    for body in ("0-4", "1-4", "2-2"):
        await producer.send_and_wait(EVENTS, body.encode(), partition=int(body[0]))
    await handler.has(*first, "1-4", "2-2")
    await groups.stop(second)
    await asyncio.sleep(1)
    await handler.has(*first, "1-4", "2-2")
    handler.newer = None
    await handler.has(*first, "1-4", "2-2", "0-2", "0-3", "0-4")
    assert [body for body in handler.handled if body.startswith(b"0")] == [b"0-1", b"0-2", b"0-3", b"0-4"]
