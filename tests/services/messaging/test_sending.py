"""Messages are checked again just before they are sent, and failures are retried or recorded."""

from datetime import datetime

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.messaging import tokens
from dispatch.services.messaging.delivery import TRIES_BEFORE_TROUBLE, Trouble
from dispatch.services.messaging.gateway import (
    GatewayRefusedError,
)
from dispatch.storage.queries import sql
from tests.services.messaging.doubles import StubbornGateway, UnspeakableGateway
from tests.support.post import LINKS, SECRET, Post
from tests.support.scene import phone

STALE = {
    "offer withdrawn": "UPDATE offers SET status = 'withdrawn'",
    "offer expired": "UPDATE offers SET expires_at = expires_at - interval '1 day'",
    "incident held": "UPDATE incidents SET status = 'held'",
    "offers are paused": "UPDATE organisations SET paused_at = now()",
    "volunteer left": "UPDATE memberships SET stopped_at = now()",
    "no consent": "UPDATE memberships SET consent = '{email}'",
    "no address": "DELETE FROM addresses",
}


@pytest.mark.parametrize("reason", STALE)
async def test_an_offer_that_is_no_longer_right_is_skipped_with_its_reason(post: Post, reason: str) -> None:
    await post.scene.incident()
    await post.notify()
    await post.uow.pool.execute(STALE[reason])
    await post.sender().round()
    rows = await post.messages()
    assert [(row["status"], row["reason"]) for row in rows] == [("skipped", reason)] * 3
    assert await post.journalled(rows[0]["id"]) == ["queued", "skipped"]
    assert post.texts(0) == []


async def test_the_link_opens_the_offer_and_its_token_is_nowhere_at_rest(post: Post) -> None:
    offer = await post.scene.offer(0)
    await post.deliver()
    token = post.texts(0)[0].rpartition(f"{LINKS}/a/")[2]
    view = await tokens.open_token(post.uow, token, secret=SECRET)
    assert view is not None
    assert view.offer_id == offer.id
    for table in ("messages", "tokens", "journal", "outbox"):
        rows = await post.uow.pool.fetch(f"SELECT t::text FROM {table} t")
        assert not any(token in row["t"] for row in rows)
        assert not any(token.encode().hex() in row["t"] for row in rows)


@pytest.mark.parametrize(("engagement", "facts"), [("notice", (True, False)), ("crew", (False, True))])
async def test_texts_page_and_answers_follow_the_engagement_of_the_incident_whatever_its_plan_states(
    post: Post, engagement: str, facts: tuple[bool, bool]
) -> None:
    offer = await post.scene.offer(0)
    await post.uow.pool.execute("UPDATE incidents SET engagement = $1", engagement)
    await post.deliver()
    token = post.texts(0)[0].rpartition(f"{LINKS}/a/")[2]
    view = await tokens.open_token(post.uow, token, secret=SECRET)
    assert view is not None
    assert (view.informs, view.crew) == facts
    answered = await post.uow.pool.fetchrow(sql("offer_facts"), offer.id)
    sent = await post.uow.pool.fetch(
        sql("message_facts"), [(await post.messages())[0]["id"]], *[post.clock.now()] * 2
    )
    assert [row["informs"] for row in (answered, *sent) if row] == [facts[0]] * 2


async def test_a_page_to_a_supervisor_leads_to_no_address(post: Post) -> None:
    number = await post.duty(1)
    await post.scene.act((await post.scene.incident()).id, "escalate")
    await post.deliver()
    (page,) = post.gateway.phone(number).inbox
    assert page.text.endswith("dispatch watch")
    assert "http" not in page.text


async def test_a_revoked_link_is_never_sent_again(post: Post) -> None:
    offer = await post.scene.offer(0)
    await post.deliver()
    await tokens.revoke(post.uow, offer.id)
    await post.answer(offer)
    await post.deliver()
    first, second = (text.rpartition("/a/")[2] for text in post.texts(0))
    assert first != second
    assert await tokens.open_token(post.uow, first, secret=SECRET) is None
    assert await tokens.open_token(post.uow, second, secret=SECRET) is not None


async def test_a_flaky_gateway_gets_every_message_in_the_end_and_once(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, flaky=True)
    await post.scene.incident()
    await post.notify()
    for _ in range(4):
        await post.sender().round()
        clock.advance(4)
    assert {row["status"] for row in await post.messages()} == {"sent"}
    assert [len(post.texts(n)) for n in range(3)] == [1, 1, 1]
    assert post.gateway.repeats == 0


async def test_tries_are_farther_and_farther_apart_and_the_third_calls_for_help(
    post: Post, clock: MovableClock
) -> None:
    heard: list[Trouble] = []

    async def on_trouble(_connection: asyncpg.Connection, trouble: Trouble, _now: datetime) -> None:
        heard.append(trouble)

    await post.scene.incident()
    await post.notify()
    away = StubbornGateway(TimeoutError())
    sender, waits = post.sender(away, on_trouble), []
    for _ in range(TRIES_BEFORE_TROUBLE):
        assert heard == []
        assert await sender.round() == 3
        due = (await post.messages())[0]["due_at"]
        waits.append((due - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert waits == [1, 2, 4]
    assert [(one.organisation, one.gateway) for one in heard] == [(post.scene.organisation, "simulated")] * 3


async def test_an_outcome_that_cannot_be_recorded_does_not_delay_the_others(post: Post) -> None:
    await post.scene.incident()
    await post.notify()
    await post.sender(UnspeakableGateway(phone(0))).round()
    assert sorted((row["status"], row["in_doubt"], row["reason"]) for row in await post.messages()) == [
        ("queued", True, "an error of ours"),
        ("sent", False, ""),
        ("sent", False, ""),
    ]


async def test_a_message_that_cannot_be_checked_does_not_hold_up_the_others(post: Post) -> None:
    incident = await post.scene.incident()
    await post.notify()
    offer = await post.scene.offer(0, incident)
    await post.uow.pool.execute("INSERT INTO tokens VALUES ('no hash', $1, -1, now())", offer.id)
    await post.sender().round()
    assert sorted((row["status"], row["in_doubt"], row["reason"]) for row in await post.messages()) == [
        ("queued", False, "an error of ours"),
        ("sent", False, ""),
        ("sent", False, ""),
    ]


async def test_what_a_gateway_refuses_is_failed_and_not_tried_again(post: Post) -> None:
    await post.scene.incident()
    await post.notify()
    sender = post.sender(StubbornGateway(GatewayRefusedError("not a phone number")))
    await sender.round()
    rows = await post.messages()
    assert {(row["status"], row["reason"]) for row in rows} == {("failed", "not a phone number")}
    assert await post.journalled(rows[0]["id"]) == ["queued", "failed"]
    assert await sender.round() == 0


async def test_a_message_that_breaks_the_sender_waits_and_the_others_go_out(post: Post) -> None:
    await post.scene.incident()
    await post.notify()
    await post.uow.pool.execute(
        "UPDATE memberships SET language = 'fr'; UPDATE organisations SET zone = 'Nowhere/AtAll'"
    )
    sender = post.sender()
    assert await sender.round() == 3
    assert {(row["status"], row["reason"]) for row in await post.messages()} == {
        ("queued", "an error of ours")
    }
    await post.uow.pool.execute("UPDATE organisations SET zone = 'Europe/Paris'")
    post.clock.advance(2)
    await sender.round()
    assert {row["status"] for row in await post.messages()} == {"sent"}
