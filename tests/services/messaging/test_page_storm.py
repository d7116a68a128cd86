"""A lone duty contact in a storm of 300 incidents, who answers nothing."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.messaging.page_groups import page_rates
from schemas.base import Severity
from tests.domain.builders import plan
from tests.support.post import Post
from tests.support.scene import phone

INCIDENTS, EACH_STEP = 300, 15
STEP_S = 15
MINUTES = 35
SEVERITIES: tuple[Severity, ...] = ("life_threatening", "urgent", "routine")
ALONE = plan(
    search={"radii_m": (1000,), "retry_s": 86_400},
    steps=({"after_s": 120, "level": 2, "do": "page"}, {"after_s": 300, "level": 3, "do": "page"}),
)
"""A plan for which nobody is found: what is severe pages at once, the rest after two minutes."""
WITHIN = timedelta(seconds=60 + STEP_S)
"""A minute in which pages are gathered, and one step of the clock."""
TEN_MINUTES = timedelta(minutes=10)
GRAVE_PAGES = """
SELECT m.escalation_id, min(m.created_at) AS queued_at, min(coalesce(s.sent_at, m.sent_at)) AS told_at
FROM messages m LEFT JOIN messages s ON s.id = m.carried_by JOIN incidents i ON i.id = m.incident_id
WHERE m.purpose = 'escalation' AND i.severity = 'life_threatening' GROUP BY m.escalation_id
"""


@pytest.fixture
async def night(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Let 300 incidents come within five minutes, and half an hour more pass."""
    post = await Post.open(pool, clock, people=0)
    await post.duty(1)
    agenda, opened = AgendaRunner(post.uow), 0
    for _ in range(MINUTES * 60 // STEP_S):
        for _ in range(min(EACH_STEP, INCIDENTS - opened)):
            await post.scene.incident(ALONE, severity=SEVERITIES[opened % len(SEVERITIES)])
            opened += 1
        while await agenda.run_round():
            pass
        await post.deliver()
        clock.advance(STEP_S)
    return post


@pytest.mark.timeout(300)
async def test_a_lone_contact_is_texted_ten_times_in_ten_minutes_at_most_and_told_of_all_that_is_grave(
    night: Post,
) -> None:
    texts = [row["sent_at"] for row in await night.messages("escalation") if row["sent_at"]]
    assert max(_within_ten_minutes(texts, start) for start in texts) <= 10
    later = [at for at in texts if at > texts[0] + TEN_MINUTES]
    assert len(later) <= 3, "then one in ten minutes"
    grave = await night.uow.pool.fetch(GRAVE_PAGES)
    assert len(grave) >= INCIDENTS // 3
    late = [row for row in grave if row["told_at"] is None or row["told_at"] - row["queued_at"] > WITHIN]
    assert not late
    (rate,) = await page_rates(night.uow.pool, night.clock.now())
    assert (rate["contact"], rate["hour"]) == ("Grace", len(texts))
    assert any("interventions vous attendent" in one.text for one in night.gateway.phone(phone(9001)).inbox)


def _within_ten_minutes(texts: list[datetime], start: datetime) -> int:
    return sum(start <= at < start + TEN_MINUTES for at in texts)
