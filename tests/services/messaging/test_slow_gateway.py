"""A gateway that takes half a minute for each message delays only the messages that it sends."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.messaging.gateway import OutboundText
from dispatch.services.messaging.sending import Sender
from dispatch.storage.pool import open_pool
from schemas.base import Severity
from schemas.offers import Channel
from tests.domain.builders import plan
from tests.support.post import LINKS, SECRET, Post

BY_MAIL = """
WITH told AS (UPDATE memberships SET consent = '{sms,email}')
INSERT INTO addresses SELECT volunteer_id, 'email', address || '@example.org' FROM addresses
"""


class HangingGateway(SimulatedGateway):
    """A gateway that does not respond until it is repaired."""

    def __init__(self, channel: Channel = "sms", *, hangs: bool = True) -> None:
        super().__init__(f"{channel} gateway", channels=(channel,))
        self.capabilities = replace(self.capabilities, at_once=10)
        self.hangs = hangs
        self.asked: list[OutboundText] = []

    async def send(self, message: OutboundText) -> None:
        self.asked.append(message)
        if self.hangs:
            await asyncio.Event().wait()


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    return await Post.open(pool, clock, people=12)


@asynccontextmanager
async def running(sender: Sender) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        for held in sender._in_flight():  # noqa: SLF001 - they would hang for as long as the gateway does
            held.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def ask(post: Post, severity: Severity, incidents: int) -> None:
    """Let incidents of one severity ask three people each, and queue the messages."""
    for _ in range(incidents):
        await post.scene.incident(plan(offers={"open": 3}), severity=severity)
    await post.notify()


async def in_hand(post: Post) -> Counter[int]:
    """Count, by severity, the messages that the gateway received and does not respond to."""
    return Counter(row["severity"] for row in await post.messages() if row["status"] == "leased")


async def test_no_severity_waits_behind_another_in_the_same_gateway(post: Post) -> None:
    slow = HangingGateway()
    async with running(post.sender(slow)):
        await ask(post, "routine", 1)
        await until(lambda: len(slow.asked) == 1)
        await ask(post, "life_threatening", 2)
        await until(lambda: len(slow.asked) == 4)
        await ask(post, "urgent", 1)
        await until(lambda: len(slow.asked) == 6)
        assert await in_hand(post) == {0: 3, 1: 2, 2: 1}


async def test_a_steady_stream_of_the_most_severe_leaves_its_place_to_the_least(post: Post) -> None:
    post.gateway.capabilities = replace(post.gateway.capabilities, at_once=10)
    await ask(post, "life_threatening", 3)
    await ask(post, "routine", 1)
    await post.sender().round()
    sent = Counter(row["severity"] for row in await post.messages() if row["status"] == "sent")
    assert sent == {0: 3, 2: 1}


async def test_while_a_gateway_hangs_all_else_goes_on_over_two_connections(
    post: Post, database: str, clock: MovableClock
) -> None:
    await post.uow.pool.execute(BY_MAIL)
    slow, mail = HangingGateway(), HangingGateway("email", hangs=False)
    own = await open_pool(database, application="tests", size=2)
    post.uow = post.scene.uow = UnitOfWork(own, clock)
    incident = await post.scene.incident(plan(offers={"open": 3}))
    sender = Sender(post.uow, {"sms": slow, "email": mail}, secret=SECRET, public_url=LINKS)
    async with running(sender):
        await post.notify()
        await until(lambda: len(slow.asked) == 2 and len(mail.asked) == 3)
        await until(lambda: own.get_idle_size() == own.get_size())
        await post.answer(await post.scene.offer(0, incident))
        assert [a.status for a in (await post.scene.read(incident.id)).assignments.values()] == ["assigned"]
        clock.advance(61)
        assert await AgendaRunner(post.uow).run_round() == 1
        await post.scene.act(incident.id, "abort")
        await post.notify()
        await until(lambda: any("PAS" in message.text for message in slow.asked))
    own.terminate()
