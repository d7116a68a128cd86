"""Fetches from the embedded broker: at once when there is something to read, rarely when there is not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from consumers import broker as groups
from consumers.broker import Broker
from consumers.pacing import FetchIntervals, FetchPacing
from dispatch.embedded import EmbeddedBroker
from schemas.decoding import Received, Unreadable
from tests.support.site import until

pytestmark = [pytest.mark.timeout(60)]
EVENTS = "incident.events"
NEVER_S = 600.0
SOON_S = 0.2
ASSIGNMENT = object()


def pacing(*, busy_s: float = NEVER_S, idle_s: float = NEVER_S) -> FetchPacing:
    return FetchPacing(FetchIntervals(busy_s, lambda: idle_s))


async def waits(pace: FetchPacing, assignment: object = ASSIGNMENT) -> bool:
    """Take the next turn; return whether it did not come soon."""
    try:
        async with asyncio.timeout(SOON_S):
            await pace.turn(assignment)
    except TimeoutError:
        return True
    return False


async def test_the_first_fetch_of_an_assignment_is_sent_at_once_and_one_after_records_too() -> None:
    pace = pacing()
    assert not await waits(pace)
    pace.record(found=True)
    assert not await waits(pace)
    pace.record(found=False)
    assert await waits(pace)
    assert not await waits(pace, assignment=object())


async def test_a_fetch_is_sent_when_records_are_published_even_while_another_one_runs() -> None:
    pace = pacing()
    await pace.turn(ASSIGNMENT)
    pace.wake()
    pace.record(found=False)
    assert not await waits(pace)
    pace.record(found=False)
    assert await waits(pace)


async def test_empty_fetches_are_frequent_only_for_a_while_after_records() -> None:
    busy, idle = pacing(busy_s=0.01), pacing(busy_s=0.01)
    for pace in (busy, idle):
        await pace.turn(ASSIGNMENT)
        pace.record(found=False)
    busy.record(found=True)
    busy.record(found=False)
    assert not await waits(busy)
    assert await waits(idle)


@pytest.fixture
async def resting(embedded: EmbeddedBroker) -> AsyncIterator[Broker]:
    """Return a broker that fetches only when it is woken."""
    broker = groups.build(embedded.address, embedded=True, idle_s=lambda: NEVER_S)
    yield broker
    await groups.stop(broker)


async def test_published_records_are_handled_at_once_and_again_after_a_failure(
    resting: Broker, producer: AIOKafkaProducer
) -> None:
    taken: list[bytes | None] = []
    failures = [OSError()]

    async def handler(batch: list[Received | Unreadable]) -> None:
        # Longer than fetches stay frequent.
        await asyncio.sleep(1.5)
        if failures:
            raise failures.pop()
        taken.extend(record.body for record in batch)

    async def handled() -> bool:
        return taken == [b"published"]

    groups.subscribe(resting, EVENTS, "tests", handler)
    await groups.start(resting)
    await asyncio.sleep(0.5)
    await producer.send_and_wait(EVENTS, b"published")
    resting.wake({"dispatch.offers"})
    await asyncio.sleep(0.5)
    assert failures, "records of another topic were published"
    resting.wake({EVENTS})
    await until(handled, 10)
