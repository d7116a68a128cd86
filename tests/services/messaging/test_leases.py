"""A crash repeats at most one message per person, and two senders never send the same message."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.messaging.gateway import (
    GatewaySilentError,
    GatewayUnavailableError,
)
from dispatch.services.messaging.sending import LEASE
from tests.domain.builders import plan
from tests.services.messaging.doubles import (
    DeadlyGateway,
    SlowGateway,
    StalledSender,
    StubbornGateway,
    crash,
    stop,
    wait_until,
)
from tests.support.post import Post
from tests.support.site import until

LEASED_AFTER = "SELECT bool_and(leased_until > $1) FROM messages"


async def test_a_crash_after_the_send_repeats_one_message_per_person_and_marks_it_in_doubt(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident()
    await post.notify()
    deadly = DeadlyGateway()
    await crash(post, deadly)
    assert [row["status"] for row in await post.messages()] == ["leased"] * 3
    assert await post.sender(deadly).round() == 0
    clock.advance(LEASE.total_seconds() - 5)
    await post.uow.pool.execute("UPDATE offers SET expires_at = expires_at + interval '1 hour'")
    clock.advance(6)
    deadly.repaired = True
    assert await post.sender(deadly).round() == 3
    assert deadly.repeats == 3
    assert [(row["status"], row["in_doubt"]) for row in await post.messages()] == [("sent", True)] * 3
    assert await post.sender(deadly).round() == 0


async def test_a_volunteer_who_may_have_been_asked_before_a_crash_is_stood_down(
    post: Post, clock: MovableClock
) -> None:
    incident = await post.scene.incident()
    await post.notify()
    await crash(post, DeadlyGateway())
    for number in (0, 1):
        await post.answer(await post.scene.offer(number, incident))
    clock.advance(LEASE.total_seconds() + 1)
    await post.deliver()
    assert "plus besoin de vous" in post.texts(2)[0]


@pytest.mark.parametrize("silence", [TimeoutError(), GatewaySilentError("no answer")])
async def test_a_volunteer_who_may_have_been_asked_by_a_silent_gateway_is_stood_down(
    post: Post, silence: Exception
) -> None:
    incident = await post.scene.incident()
    await post.notify()
    await post.sender(StubbornGateway(silence)).round()
    for number in (0, 1):
        await post.answer(await post.scene.offer(number, incident))
    await post.deliver()
    assert "plus besoin de vous" in post.texts(2)[0]


async def test_a_volunteer_whose_offer_could_not_be_sent_is_not_notified_of_its_end(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    slow = SlowGateway(GatewayUnavailableError("away"))
    asking = asyncio.create_task(post.sender(slow).round())
    await wait_until(lambda: len(slow.asked) == 3)
    for number in (0, 1):
        await post.answer(await post.scene.offer(number, incident))
    await post.notify()
    slow.let_go.set()
    await asking
    await post.deliver()
    assert post.texts(2) == []
    assert [row["reason"] for row in await post.messages("stand_down")] == ["the offer was never sent"]


async def test_a_sender_whose_lease_expired_leaves_the_message_to_the_new_holder(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident(plan(offers={"open": 5, "per_seat": 2, "window_s": 600}))
    await post.notify()
    stalled = StalledSender(post.uow, post.gateway)
    asleep = asyncio.create_task(stalled.round())
    await asyncio.sleep(0.3)
    assert {row["status"] for row in await post.messages()} == {"leased"}
    clock.advance(LEASE.total_seconds() + 1)
    slow = SlowGateway()
    other = asyncio.create_task(post.sender(slow).round())
    await wait_until(lambda: len(slow.asked) == 3)
    stalled.awake.set()
    await asleep
    slow.let_go.set()
    await other
    assert post.texts(0) == []
    assert {row["status"] for row in await post.messages()} == {"sent"}


async def test_a_sender_never_takes_up_twice_what_it_holds_however_fast_the_clock(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident(plan(offers={"open": 5, "per_seat": 2, "window_s": 3600}))
    await post.notify()
    slow = SlowGateway()
    running = asyncio.create_task(post.sender(slow).run())
    await wait_until(lambda: len(slow.asked) == 3)
    clock.advance(LEASE.total_seconds() * 2)
    await asyncio.sleep(0.3)
    slow.let_go.set()
    await stop(running)
    assert len(slow.asked) == 3


async def test_what_a_living_sender_holds_for_long_is_not_sent_by_another(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident(plan(offers={"open": 5, "per_seat": 2, "window_s": 3600}))
    await post.notify()
    slow = SlowGateway()
    living = post.sender(slow)
    rounds = [asyncio.create_task(living.round())]
    await wait_until(lambda: len(slow.asked) == 3)
    for _ in range(3):
        clock.advance(LEASE.total_seconds() * 0.6)
        rounds.append(asyncio.create_task(living.round()))
        await until(lambda: post.uow.pool.fetchval(LEASED_AFTER, clock.now() + LEASE / 2))
        assert await post.sender().round() == 0
    slow.let_go.set()
    await asyncio.gather(*rounds)
    assert {row["status"] for row in await post.messages()} == {"sent"}


async def test_a_sender_that_is_stopped_lets_what_is_in_flight_end(post: Post) -> None:
    slow = SlowGateway()
    await post.scene.incident()
    await post.notify()
    running = asyncio.create_task(post.sender(slow).run())
    await wait_until(lambda: len(slow.asked) == 3)
    running.cancel()
    await asyncio.sleep(0.05)
    slow.let_go.set()
    with suppress(asyncio.CancelledError):
        await running
    assert {row["status"] for row in await post.messages()} == {"sent"}


async def test_a_sender_that_is_stopped_sends_the_messages_that_it_has_leased(post: Post) -> None:
    await post.scene.incident()
    await post.notify()
    stalled = StalledSender(post.uow, post.gateway)
    running = asyncio.create_task(stalled.run())
    async with asyncio.timeout(10):
        while {row["status"] for row in await post.messages()} != {"leased"}:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.sleep(0.05)
    stalled.awake.set()
    with suppress(asyncio.CancelledError):
        await running
    assert {row["status"] for row in await post.messages()} == {"sent"}


async def test_two_senders_share_the_work_and_no_message_is_sent_twice(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=12)
    for _ in range(3):
        await post.scene.incident()
    await post.notify()
    await asyncio.gather(*(post.sender().round() for _ in range(3)))
    while await post.sender().round():
        pass
    rows = await post.messages()
    assert len(rows) == 12
    assert {row["status"] for row in rows} == {"sent"}
    assert post.gateway.repeats == 0
