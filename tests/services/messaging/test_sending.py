"""Sending: checked again at the last moment, one at a time per person, repeated at most once by a crash."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest

from dispatch.clock import Clock, MovableClock
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import sending, tokens
from dispatch.services.messaging.delivery import TRIES_BEFORE_TROUBLE, Trouble
from dispatch.services.messaging.gateway import (
    Gateway,
    GatewayRefusedError,
    GatewaySilentError,
    GatewayUnavailableError,
    OutboundText,
    Receipt,
)
from dispatch.services.messaging.receipts import record_receipt
from dispatch.services.messaging.send_slots import SendSlots
from dispatch.services.messaging.sending import LEASE, Sender
from dispatch.storage.messages import LeasedMessage, LeaseRequest, lease
from dispatch.storage.pool import open_pool, transaction
from dispatch.storage.queries import sql
from schemas.ids import named
from tests.domain.builders import plan
from tests.support.post import LINKS, SECRET, Post
from tests.support.scene import phone
from tests.support.site import until

BLOCKS = 600
"""The number of rows that a lease may read: some ten for each leased message."""
LEASED_AFTER = "SELECT bool_and(leased_until > $1) FROM messages"


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Three volunteers with phones."""
    return await Post.open(pool, clock)


class SlowGateway(SimulatedGateway):
    """A gateway that holds every message until it is released, then accepts it or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.let_go = asyncio.Event()
        self.asked: list[OutboundText] = []

    async def send(self, message: OutboundText) -> None:
        self.asked.append(message)
        await self.let_go.wait()
        if self.error is not None:
            raise self.error
        await super().send(message)


class DeadlyGateway(SimulatedGateway):
    """A gateway that delivers messages but never responds, until it is repaired."""

    def __init__(self) -> None:
        super().__init__()
        self.repaired = False
        self.arrived = 0

    async def send(self, message: OutboundText) -> None:
        await super().send(message)
        self.arrived += 1
        while not self.repaired:
            await asyncio.sleep(1)


class StubbornGateway(SimulatedGateway):
    """A gateway that raises a given error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def send(self, message: OutboundText) -> None:
        del message
        raise self.error


class UnspeakableGateway(SimulatedGateway):
    """A gateway that rejects one number with a text that Postgres cannot store."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number

    async def send(self, message: OutboundText) -> None:
        if message.to == self.number:
            raise GatewayRefusedError("\0")
        await super().send(message)


class StalledSender(Sender):
    """A sender that falls asleep between taking a message in hand and looking at it again."""

    def __init__(self, uow: UnitOfWork, gateway: Gateway) -> None:
        super().__init__(uow, {"sms": gateway}, secret=SECRET, public_url=LINKS)
        self.awake = asyncio.Event()

    async def _start(self, slots: SendSlots, leased: Sequence[LeasedMessage]) -> None:
        await self.awake.wait()
        await super()._start(slots, leased)


STALE = {
    "offer withdrawn": "UPDATE offers SET status = 'withdrawn'",
    "offer expired": "UPDATE offers SET expires_at = expires_at - interval '1 day'",
    "incident held": "UPDATE incidents SET status = 'held'",
    "offers are paused": "UPDATE organisations SET paused_at = now()",
    "volunteer left": "UPDATE volunteers SET stopped_at = now()",
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
        sql("message_facts"), [(await post.messages())[0]["id"]], post.clock.now()
    )
    assert [row["informs"] for row in (answered, *sent) if row] == [facts[0]] * 2


async def test_a_page_to_a_supervisor_leads_to_no_address(post: Post) -> None:
    number = await post.duty(1)
    await post.scene.act((await post.scene.incident()).id, "escalate")
    await post.deliver()
    (page,) = post.gateway.phone(number).inbox
    assert page.text.endswith("A vous de voir : dispatch watch")
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


async def test_a_crash_after_the_send_repeats_one_message_per_person_and_marks_it_in_doubt(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident()
    await post.notify()
    deadly = DeadlyGateway()
    await _crash(post, deadly)
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
    await _crash(post, DeadlyGateway())
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
    await _until(lambda: len(slow.asked) == 3)
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
    await _until(lambda: len(slow.asked) == 3)
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
    await _until(lambda: len(slow.asked) == 3)
    clock.advance(LEASE.total_seconds() * 2)
    await asyncio.sleep(0.3)
    slow.let_go.set()
    await _stop(running)
    assert len(slow.asked) == 3


async def test_what_a_living_sender_holds_for_long_is_not_sent_by_another(
    post: Post, clock: MovableClock
) -> None:
    await post.scene.incident(plan(offers={"open": 5, "per_seat": 2, "window_s": 3600}))
    await post.notify()
    slow = SlowGateway()
    living = post.sender(slow)
    rounds = [asyncio.create_task(living.round())]
    await _until(lambda: len(slow.asked) == 3)
    for _ in range(3):
        clock.advance(LEASE.total_seconds() * 0.6)
        rounds.append(asyncio.create_task(living.round()))
        await until(lambda: post.uow.pool.fetchval(LEASED_AFTER, clock.now() + LEASE / 2))
        assert await post.sender().round() == 0
    slow.let_go.set()
    await asyncio.gather(*rounds)
    assert {row["status"] for row in await post.messages()} == {"sent"}


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


async def test_one_message_at_a_time_is_in_flight_to_a_person_and_a_recall_does_not_wait(post: Post) -> None:
    incident = await post.scene.incident()
    slow = SlowGateway()
    await post.notify()
    sender = post.sender(slow)
    first = asyncio.create_task(sender.round())
    await _until(lambda: len(slow.asked) == 3)
    await post.answer(await post.scene.offer(0, incident))
    await post.scene.act(incident.id, "hold")
    await post.notify()
    second = asyncio.create_task(post.sender(slow).round())
    await _until(lambda: len(slow.asked) == 6)
    assert {row["purpose"] for row in await post.messages() if row["status"] == "queued"} == {"assigned"}
    assert all("ATTENDEZ" in message.text for message in slow.asked[3:])
    slow.let_go.set()
    assert (await first, await second) == (3, 3)


async def test_recalls_have_room_while_everything_else_hangs(pool: asyncpg.Pool, clock: MovableClock) -> None:
    post, slow = await Post.open(pool, clock), SlowGateway()
    # Two recalls and two urgent messages at once.
    slow.capabilities = replace(slow.capabilities, at_once=9)
    incident = await post.scene.incident()
    await post.notify()
    running = asyncio.create_task(post.sender(slow).run())
    await _until(lambda: len(slow.asked) == 2)
    await post.scene.act(incident.id, "abort")
    await post.notify()
    await _until(lambda: sum("PAS" in message.text for message in slow.asked) == 2)
    slow.let_go.set()
    await _until(lambda: sum("PAS" in message.text for message in slow.asked) == 3)
    await _stop(running)


async def test_a_sender_that_is_stopped_lets_what_is_in_flight_end(post: Post) -> None:
    slow = SlowGateway()
    await post.scene.incident()
    await post.notify()
    running = asyncio.create_task(post.sender(slow).run())
    await _until(lambda: len(slow.asked) == 3)
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


async def test_a_storm_is_sent_in_batches_over_a_handful_of_connections(
    pool: asyncpg.Pool, database: str, clock: MovableClock
) -> None:
    commits = 0
    post = await Post.open(pool, clock, people=60)
    for _ in range(15):
        await post.scene.incident()
    await post.notify()

    def wake() -> None:
        nonlocal commits
        commits += 1
        sender.wake()

    own = await open_pool(database, application="sender", size=12)
    sender = Sender(UnitOfWork(own, clock, wake), {"sms": post.gateway}, secret=SECRET, public_url=LINKS)
    running = asyncio.create_task(sender.run())
    await _until(lambda: all(post.texts(n) for n in range(60)))
    await _stop(running)
    assert [row["status"] for row in await post.messages()] == ["sent"] * 60
    assert own.get_size() <= 4
    assert commits < 12
    own.terminate()


async def test_a_sender_with_nothing_to_send_rests_however_often_it_is_woken(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def counted(
        request: LeaseRequest, connection: asyncpg.Connection, now: datetime
    ) -> list[LeasedMessage]:
        nonlocal looks
        looks += 1
        return await lease(request, connection, now)

    monkeypatch.setattr(sending, "lease", counted)
    sender = post.sender()
    running = asyncio.create_task(sender.run())
    for _ in range(250):
        sender.wake()
        await asyncio.sleep(0.001)
    await _stop(running)
    assert 2 < looks < 2 * 250 / 4


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


async def test_what_saves_a_life_goes_first(post: Post, clock: MovableClock) -> None:
    for severity, lane in (("routine", "planned"), ("life_threatening", "urgent")):
        await post.scene.incident(plan(lane=lane), severity=severity)
    await post.notify()
    async with transaction(post.uow.pool) as connection:
        request = LeaseRequest("sms", recall=False, most=(3, 3, 3), lasting=LEASE, held=[])
        taken = await lease(request, connection, clock.now())
    severities = {row["id"]: row["severity"] for row in await post.messages()}
    assert sorted(severities.values()) == [0, 0, 0, 2, 2, 2]
    assert [severities[one.id] for one in taken] == [0, 0, 0]


async def test_finding_what_is_due_reads_neither_what_was_sent_nor_all_that_waits(
    post: Post, clock: MovableClock
) -> None:
    now, pool = clock.now(), post.uow.pool
    await pool.execute(
        "INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, purpose, channel,"
        " severity, status, due_at, created_at)"
        " SELECT gen_random_uuid(), $1, 'actual', 'volunteer', gen_random_uuid(), 'offer', 'sms', n % 3,"
        " CASE WHEN n % 4 = 0 THEN 'queued' ELSE 'sent' END, $2, $2 FROM generate_series(1, 20000) n",
        post.scene.organisation, now,
    )  # fmt: skip
    looks: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("lease_messages", ("sms", False, now, [], [8, 8, 8], now)),
        ("lease_messages", ("sms", True, now, [], [32], now)),
        ("skip_unserved", (["push", "voice"], now)),
    )
    for name, args in looks:
        text = await pool.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql(name)}", *args)
        plan = json.loads(text)[0]["Plan"]
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < BLOCKS, text


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
    await _until(lambda: len(slow.asked) == 3)
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


async def test_the_running_sender_takes_up_what_is_queued(pool: asyncpg.Pool) -> None:
    clock = Clock()
    gateway = SimulatedGateway()
    post = await Post.open(pool, clock)  # type: ignore[arg-type]
    sender = Sender(UnitOfWork(pool, clock), {"sms": gateway}, secret=SECRET, public_url=LINKS + "/")
    running = asyncio.create_task(sender.run())
    await asyncio.sleep(0.1)
    await post.scene.incident()
    await post.notify()
    sender.wake()
    await _until(lambda: all(gateway.phone(phone(n)).inbox for n in range(3)))
    assert f"{LINKS}/a/" in gateway.phone(phone(0)).inbox[0].text
    await _stop(running)


async def _crash(post: Post, deadly: DeadlyGateway) -> None:
    """Kill a sender when the phones have every message and none of it is recorded."""
    doomed = asyncio.create_task(post.sender(deadly).round())
    await _until(lambda: deadly.arrived == 3)
    doomed.cancel()
    with suppress(asyncio.CancelledError):
        await doomed


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
