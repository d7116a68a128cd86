"""Delivery receipts are recorded, also before the sender's own record or after a doubt."""

import asyncio

import pytest

from dispatch.clock import MovableClock
from dispatch.services.messaging.gateway import Receipt
from dispatch.services.messaging.receipts import ReceiptWriter, Reported, record_receipts
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
    assert await record_receipts(post.uow, [Reported(Receipt(name, status, "+33 639 98 00 00"))]) == [True]  # type: ignore[arg-type]
    assert await record_receipts(post.uow, [Reported(Receipt(name, status))]) == [True]  # type: ignore[arg-type]
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
    await record_receipts(post.uow, [Reported(Receipt(name, "delivered"))])
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
        await record_receipts(post.uow, [Reported(Receipt(row["id"], "delivered"))])
    clock.advance(10)
    assert await post.sender().round() == 0


async def test_a_receipt_for_an_unknown_message_changes_nothing(post: Post) -> None:
    assert await record_receipts(post.uow, [Reported(Receipt(named("nobody's message"), "delivered"))]) == [
        False
    ]
    assert (
        await post.uow.pool.fetchval("SELECT count(*) FROM journal WHERE topic = 'notification.events'") == 0
    )


async def test_receipts_that_arrive_together_are_recorded_in_one_transaction_and_each_caller_learns_its_own(
    post: Post,
) -> None:
    await post.scene.incident()
    await post.deliver()
    first, second, *_ = [row["id"] for row in await post.messages()]
    writer = ReceiptWriter(post.uow)
    arrived = [
        Receipt(first, "delivered"),
        Receipt(first, "sent"),
        Receipt(named("nobody's"), "failed"),
        Receipt(second, "failed"),
        Receipt(second, "failed"),
    ]
    known = await asyncio.gather(*(writer.submit(Reported(one)) for one in arrived))
    assert known == [True, True, False, True, True]
    assert (await post.journalled(first), await post.journalled(second)) == (
        ["queued", "sent", "delivered"],
        ["queued", "sent", "failed"],
    )
    transactions = await post.uow.pool.fetchval(
        "SELECT count(DISTINCT xid) FROM journal WHERE type IN ('message.delivered.v1', 'message.failed.v1')"
    )
    assert transactions == 1
