"""A planned mission at night: its messages wait until the quiet hours end, and what must be known does not."""

from datetime import UTC, datetime

import asyncpg

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from schemas.base import Window
from tests.domain.builders import plan
from tests.support.post import Post

ONE = ({"role": "helper", "skills": ("first_aid",), "count": 1},)
CRECHE = plan(
    name="creche", lane="planned", seats=ONE, offers={"open": 1, "per_seat": 1, "window_s": 3600},
    quiet={"from": "22:00", "to": "06:30"}, title={"fr": "Garde à la crèche", "en": "Crèche"},
)  # fmt: skip
SLOT = Window(
    starts_at=datetime(2026, 11, 23, 6, 30, tzinfo=UTC), ends_at=datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
)
"""From 7:30 to 12:00 in Paris, on the day after the start of the clock, 21:00."""


async def until(post: Post, incident: Incident, hour: int, minute: int, day: int = 23) -> None:
    """Let the time come, and do what is due."""
    to = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    post.clock.advance((to - post.clock.now()).total_seconds())
    await post.tick(incident.id)
    await post.deliver()


async def test_a_creche_seat_that_is_cancelled_at_23_is_filled_at_6_45_with_nobody_woken(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=2)
    opened = await post.scene.incident(CRECHE, window=SLOT)
    await post.deliver()
    first = await post.scene.offer(0, opened)
    await post.answer(first)
    await post.deliver()
    assert "demain 7 h 30-12 h" in post.texts(0)[0]
    await until(post, opened, 22, 0, day=22)
    await post.answer(first, "declined")
    await post.deliver()
    await until(post, opened, 5, 29)
    assert post.texts(1) == []
    await until(post, opened, 5, 30)
    assert "aujourd'hui 7 h 30-12 h" in post.texts(1)[0]
    await until(post, opened, 5, 45)
    await post.answer(await post.scene.offer(1, await post.scene.read(opened.id)))
    assert (await post.scene.read(opened.id)).seated()


async def test_a_planned_mission_that_is_life_threatening_asks_at_night(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=1)
    clock.advance(2 * 3600)
    await post.scene.incident(CRECHE, window=SLOT, severity="life_threatening")
    await post.deliver()
    assert len(post.texts(0)) == 1


async def test_a_stand_down_at_night_waits_for_the_morning_where_nobody_sets_out_before(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=1)
    later = Window(starts_at=SLOT.starts_at.replace(hour=12), ends_at=SLOT.ends_at.replace(hour=16))
    texts = []
    for window in (later, SLOT):
        opened = await post.scene.incident(CRECHE, window=window)
        await post.answer(await post.scene.offer(0, opened))
        await post.deliver()
        texts.append(opened)
    await until(post, opened, 22, 0, day=22)
    for one in texts:
        await post.scene.act(one.id, "close")
    await post.deliver()
    held = [row for row in await post.messages("stand_down") if row["status"] == "queued"]
    assert [row["incident_id"] for row in held] == [texts[0].id]
    assert held[0]["due_at"] == datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


async def test_only_those_who_had_a_seat_are_told_that_nobody_reported_the_end(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=2)
    two = plan(lane="planned", quiet="off", ends_after_s=600, offers={"window_s": 86_400})
    opened = await post.scene.incident(two)
    await post.answer(await post.scene.offer(0, opened))
    await post.deliver()
    for seconds in (600, 600, 3000):
        clock.advance(seconds)
        await post.tick(opened.id)
    await post.deliver()
    assert "L'heure de fin est passée" in post.texts(0)[-1]
    assert "plus besoin de vous" in post.texts(1)[-1]


async def test_whoever_comes_is_reminded_in_the_evening_with_the_time(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=1)
    opened = await post.scene.incident(CRECHE, window=SLOT)
    await post.answer(await post.scene.offer(0, opened))
    await post.deliver()
    await until(post, opened, 20, 30, day=22)
    assert post.texts(0)[-1].startswith("Rappel : on vous attend, Garde à la crèche, demain 7 h 30-12 h.")


async def test_a_reminder_that_an_outage_kept_until_after_the_start_is_not_sent(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    post = await Post.open(pool, clock, people=1)
    opened = await post.scene.incident(CRECHE, window=SLOT)
    await post.answer(await post.scene.offer(0, opened))
    post.clock.advance(1800)
    await post.tick(opened.id)
    await post.notify()
    await until(post, opened, 7, 0)
    assert not [text for text in post.texts(0) if text.startswith("Rappel")]
