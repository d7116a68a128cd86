"""Many incidents at one place bury no volunteer in messages; life-saving messages are sent nevertheless."""

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import ASKED_MOST
from schemas.base import Severity
from tests.domain.builders import plan
from tests.support.post import Post

OFFER, STAND_DOWN, STAY_AWAY = "Venez-vous", "plus besoin", "N'APPROCHEZ PAS"
ONE = plan(seats=({"role": "helper", "skills": ("first_aid",), "count": 1},), search={"radii_m": (1000,)})
MINUTE_S = 60


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Two neighbours, and a supervisor on duty."""
    post = await Post.open(pool, clock, people=2)
    await post.duty(0)
    return post


async def storm(post: Post, incidents: int, severity: Severity) -> list[Incident]:
    """Let so many things happen at one place within a minute; both neighbours decline each at once."""
    happened = []
    for _ in range(incidents):
        happened.append(await post.scene.incident(ONE, severity=severity))
        await post.deliver()
        for offer in happened[-1].offers.values():
            await post.answer(offer, "declined")
        post.clock.advance(MINUTE_S / incidents)
    return happened


def count(post: Post, number: int, words: str) -> int:
    return sum(words in text for text in post.texts(number))


async def test_many_incidents_in_a_minute_ask_one_person_a_few_times_and_notify_a_supervisor_of_the_rest(
    post: Post,
) -> None:
    happened = await storm(post, 12, "urgent")
    assert [count(post, number, OFFER) for number in range(2)] == [ASKED_MOST] * 2
    assert all(len(post.texts(number)) == ASKED_MOST for number in range(2))
    lacking = [(await post.scene.read(incident.id)).open_escalations() for incident in happened[ASKED_MOST:]]
    assert [[e.reason for e in open_] for open_ in lacking] == [["uncovered"]] * (12 - ASKED_MOST)


async def test_for_a_life_people_are_asked_however_often_they_were(post: Post) -> None:
    await storm(post, ASKED_MOST + 2, "routine")
    await storm(post, 3, "life_threatening")
    assert count(post, 0, OFFER) == ASKED_MOST + 3


async def test_a_stand_down_and_a_recall_reach_whoever_was_asked_often(post: Post) -> None:
    await storm(post, ASKED_MOST - 2, "urgent")
    covered = await post.scene.incident(ONE)
    await post.deliver()
    await post.answer(await post.scene.offer(1, covered))
    aborted = await post.scene.incident(ONE)
    await post.deliver()
    await post.scene.act(aborted.id, "abort")
    await post.deliver()
    assert (count(post, 0, STAND_DOWN), count(post, 0, STAY_AWAY)) == (1, 1)
