"""The sender takes urgent messages first, recalls beside all others, and reads only what is due."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest

from dispatch.clock import Clock, MovableClock
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import sending
from dispatch.services.messaging.sending import LEASE, Sender
from dispatch.storage.messages import LeasedMessage, LeaseRequest, lease
from dispatch.storage.pool import open_pool, transaction
from dispatch.storage.queries import sql
from tests.domain.builders import plan
from tests.services.messaging.doubles import (
    SlowGateway,
    stop,
    wait_until,
)
from tests.support.post import LINKS, SECRET, Post
from tests.support.scene import phone

BLOCKS = 600
"""The number of rows that a lease may read: some ten for each leased message."""


async def test_one_message_at_a_time_is_in_flight_to_a_person_and_a_recall_does_not_wait(post: Post) -> None:
    incident = await post.scene.incident()
    slow = SlowGateway()
    await post.notify()
    sender = post.sender(slow)
    first = asyncio.create_task(sender.round())
    await wait_until(lambda: len(slow.asked) == 3)
    await post.answer(await post.scene.offer(0, incident))
    await post.scene.act(incident.id, "hold")
    await post.notify()
    second = asyncio.create_task(post.sender(slow).round())
    await wait_until(lambda: len(slow.asked) == 6)
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
    await wait_until(lambda: len(slow.asked) == 2)
    await post.scene.act(incident.id, "abort")
    await post.notify()
    await wait_until(lambda: sum("PAS" in message.text for message in slow.asked) == 2)
    slow.let_go.set()
    await wait_until(lambda: sum("PAS" in message.text for message in slow.asked) == 3)
    await stop(running)


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
    await wait_until(lambda: all(post.texts(n) for n in range(60)))
    await stop(running)
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
    await stop(running)
    assert 2 < looks < 2 * 250 / 4


async def test_a_sender_that_may_rest_for_long_still_tries_again_in_time(pool: asyncpg.Pool) -> None:
    clock, wakes = Clock(), 0
    gateway = SimulatedGateway(flaky=True)
    post = await Post.open(pool, clock, people=1)  # type: ignore[arg-type]

    def wake() -> None:
        nonlocal wakes
        wakes += 1

    uow = UnitOfWork(pool, clock, wake)
    sender = Sender(uow, {"sms": gateway}, secret=SECRET, public_url=LINKS + "/", idle_s=lambda: 600.0)
    running = asyncio.create_task(sender.run())
    await asyncio.sleep(0.2)
    assert wakes == 0, "a sweep that finds nothing wakes nobody"
    await post.scene.incident()
    await post.notify()
    await asyncio.sleep(0.2)
    assert not gateway.phone(phone(0)).inbox
    sender.wake()
    await wait_until(lambda: len(gateway.phone(phone(0)).inbox) == 1)
    await stop(running)


async def test_what_saves_a_life_goes_first(post: Post, clock: MovableClock) -> None:
    for severity, lane in (("routine", "planned"), ("life_threatening", "urgent")):
        await post.scene.incident(
            plan(lane=lane, quiet="off" if lane == "planned" else None), severity=severity
        )
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
    await wait_until(lambda: all(gateway.phone(phone(n)).inbox for n in range(3)))
    assert f"{LINKS}/a/" in gateway.phone(phone(0)).inbox[0].text
    await stop(running)
