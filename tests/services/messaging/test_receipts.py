"""Delivery receipts are recorded, also before the sender's own record or after a doubt."""

import asyncio

import pytest

from dispatch.clock import MovableClock
from dispatch.services.messaging.gateway import (
    Receipt,
)
from dispatch.services.messaging.receipts import record_receipt
from schemas.ids import named
from tests.services.messaging.doubles import (
    SlowGateway,
    StubbornGateway,
    wait_until,
)
from tests.support.post import Post


@pytest.mark.parametrize(
    ("status", "after"), [("delivered", "delivered"), ("failed", "failed"), ("sent", "sent")]
)
async def test_a_receipt_says_what_became_of_a_message(post: Post, status: str, after: str) -> None:
    await post.scene.incident()
    await post.deliver()
    name = (await post.messages())[0]["id"]
    assert await record_receipt(post.uow, Receipt(name, status, "+33 639 98 00 00"))  # type: ignore[arg-type]
    assert await record_receipt(post.uow, Receipt(name, status))  # type: ignore[arg-type]
    (row,) = [row for row in await post.messages() if row["id"] == name]
    assert row["status"] == after
    assert await post.journalled(name) == ["queued", "sent"] + ([after] if after != "sent" else [])
    bodies = await post.uow.pool.fetch("SELECT body FROM journal WHERE stream = $1", name)
    assert not any(b"+33" in body["body"] for body in bodies)


async def test_a_receipt_that_arrives_before_our_own_record_is_preserved(post: Post) -> None:
    slow = SlowGateway()
    await post.scene.incident()
    await post.notify()
    sending_now = asyncio.create_task(post.sender(slow).round())
    await wait_until(lambda: len(slow.asked) == 3)
    name = slow.asked[0].message_id
    await record_receipt(post.uow, Receipt(name, "delivered"))
    slow.let_go.set()
    await sending_now
    assert await post.journalled(name) == ["queued", "delivered"]


async def test_a_delivery_receipt_resolves_a_doubt_and_nothing_is_sent_again(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident()
    await post.notify()
    await post.sender(StubbornGateway(TimeoutError())).round()
    for row in await post.messages():
        assert (row["status"], row["in_doubt"]) == ("queued", True)
        await record_receipt(post.uow, Receipt(row["id"], "delivered"))
    clock.advance(10)
    assert await post.sender().round() == 0


async def test_a_receipt_for_an_unknown_message_changes_nothing(post: Post) -> None:
    assert not await record_receipt(post.uow, Receipt(named("nobody's message"), "delivered"))
    assert (
        await post.uow.pool.fetchval("SELECT count(*) FROM journal WHERE topic = 'notification.events'") == 0
    )
