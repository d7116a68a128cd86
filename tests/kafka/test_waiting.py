"""A partition that waits for a newer version delays no other, also across restarts and rebalances."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from consumers import broker as groups
from consumers.broker import Broker
from dispatch.embedded import EmbeddedBroker
from schemas.decoding import Received, Unreadable
from tests.support.site import until


@pytest.mark.usefixtures("trusted_commits")
async def test_a_partition_that_waits_lets_the_others_go_on_and_is_read_again(
    embedded: EmbeddedBroker, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "READ_WAITING_AGAIN_AFTER_S", 0.5)
    broker = groups.build(embedded.address, embedded=True)
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


pytestmark = [pytest.mark.timeout(60)]

EVENTS = "incident.events"


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


@pytest.mark.usefixtures("trusted_commits")
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
