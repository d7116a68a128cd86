"""The broker of the consumers: every record reaches its handler, and a failed batch is delivered again."""

import asyncio
import logging

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from consumers import broker as groups
from consumers.broker import Broker
from dispatch.embedded import EmbeddedBroker
from producers.kafka.topics import ensure
from schemas.decoding import Received, Unreadable
from tests.kafka.support.outside import REPORTS, send_illegible, send_miscounted, send_undecompressible
from tests.support.site import until

pytestmark = [pytest.mark.timeout(60)]
POSITIONS, EVENTS = "volunteer.positions", "incident.events"


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


@pytest.mark.usefixtures("trusted_commits")
async def test_committed_messages_are_not_delivered_again_after_a_restart(
    embedded: EmbeddedBroker, producer: AIOKafkaProducer
) -> None:
    broker = groups.build(embedded.address, embedded=True)
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"before")
    await handler.has(1)
    await groups.stop(broker)
    await producer.send_and_wait(REPORTS, b"meanwhile")
    await groups.start(broker)
    await handler.has(2)
    await groups.stop(broker)


async def test_what_anybody_may_commit_is_not_relied_on_after_a_restart(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"before")
    await handler.has(1)
    await groups.stop(broker)
    await groups.start(broker)
    await handler.has(2)
    assert handler.bodies == [b"before", b"before"]


async def test_commits_are_few_and_the_last_follows_though_no_record_does(
    broker: Broker, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[dict[TopicPartition, int]] = []

    async def commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        commits.append(offsets)
        await really(consumer, offsets)

    really = AIOKafkaConsumer.commit
    monkeypatch.setattr(AIOKafkaConsumer, "commit", commit)
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    for number in range(40):
        await producer.send_and_wait(REPORTS, b"one of many", partition=number % 2)
        await handler.has(number + 1)

    async def committed() -> bool:
        found = {place.partition: offset for one in commits for place, offset in one.items()}
        return found == {0: 20, 1: 20}

    await until(committed)
    assert len(commits) < 20


async def test_a_commit_that_fails_is_tried_again(
    broker: Broker, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[KafkaError] = [KafkaError(), KafkaError()]
    commits: list[dict[TopicPartition, int]] = []

    async def commit(_consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        if failures:
            raise failures.pop()
        commits.append(offsets)

    monkeypatch.setattr(AIOKafkaConsumer, "commit", commit)
    listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"one", partition=3)

    async def committed() -> bool:
        return commits == [{TopicPartition(REPORTS, 3): 1}]

    await until(committed)


async def test_headers_and_keys_of_any_bytes_are_handled(broker: Broker, producer: AIOKafkaProducer) -> None:
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"\xff", key=b"\x00\xff", headers=[("ce_id", b"\xff"), ("x", None)])
    await producer.send_and_wait(REPORTS, None, key=b"a report cannot be unsaid")
    await handler.has(2)
    assert all(isinstance(message, Unreadable) for message in handler.taken)


async def test_a_tombstone_is_unreadable_where_none_is_expected(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    positions, events = listen(broker, POSITIONS), listen(broker, EVENTS)
    await groups.start(broker)
    for topic in (POSITIONS, EVENTS):
        await producer.send_and_wait(topic, None, key=b"volunteer")
        await producer.send_and_wait(topic, b"no JSON", key=b"volunteer")
    await positions.has(2)
    await events.has(2)
    assert all(isinstance(message, Unreadable) for message in events.taken)
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


@pytest.mark.parametrize("codec", [1, 2, 3, 4], ids=["gzip", "snappy", "lz4", "zstd"])
async def test_a_record_that_cannot_be_decompressed_is_reported_and_the_others_are_handled(
    broker: Broker, producer: AIOKafkaProducer, codec: int
) -> None:
    handler = listen(broker, REPORTS)
    await producer.send_and_wait(REPORTS, b"before", partition=1)
    await send_undecompressible(producer, 1, codec)
    for partition in (0, 1, 2):
        await producer.send_and_wait(REPORTS, b"after", partition=partition)
    await groups.start(broker)
    await handler.has(5)
    assert sorted(body or b"" for body in handler.bodies) == [b"", b"after", b"after", b"after", b"before"]


async def test_a_batch_with_fewer_records_than_it_claims_takes_no_other_with_it(
    broker: Broker, producer: AIOKafkaProducer
) -> None:
    handler = listen(broker, REPORTS)
    await groups.start(broker)
    await producer.send_and_wait(REPORTS, b"before", partition=1)
    await handler.has(1)
    await send_miscounted(producer, 1)

    async def skipped() -> bool:
        return len(handler.taken) >= 2

    await until(skipped)
    for number in range(5):
        await producer.send_and_wait(REPORTS, b"after %d" % number, partition=1)

    async def all_after() -> bool:
        return sum((body or b"").startswith(b"after") for body in handler.bodies) == 5

    await until(all_after)


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
