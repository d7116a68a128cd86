"""Each check of the storm finds a violation planted in a sound database."""

from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.subscriptions import READERS
from schemas.ids import new_id
from tests.storm import checks
from tests.storm.checks import CHECKS, Observed
from tests.support.post import Post

PHONE = "+33639980001"
REPORTS = """
    INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at, incident_id)
    SELECT report_id, organisation, mode, 'tests', id, 'http', '', opened_at, id FROM incidents
"""
ALL_CONSUMED = """
    INSERT INTO inbox SELECT consumer, event_id, recorded_at
    FROM journal JOIN unnest($1::text[], $2::text[]) AS r (topic, consumer) USING (topic)
    ON CONFLICT DO NOTHING
"""
AGAIN = """
    INSERT INTO journal (organisation, mode, stream, seq, event_id, topic, type, bucket, key, headers, body,
                         prev_hash, hash, recorded_at)
    SELECT organisation, mode, stream, 1000 + seq, event_id, topic, type, bucket, key, headers, body,
           prev_hash, hash, recorded_at
    FROM journal WHERE type = $1 ORDER BY id DESC LIMIT 1
"""
LOST = """
    INSERT INTO reports SELECT gen_random_uuid(), organisation, mode, source, 'lost', channel, content_hash,
                               received_at, gen_random_uuid() FROM reports
"""
TWO_IN_A_SEAT = """
    DROP INDEX assignments_one_per_seat;
    INSERT INTO assignments SELECT gen_random_uuid(), incident_id, gen_random_uuid(), gen_random_uuid(), lane, seat,
                                   status, assigned_at FROM assignments
"""
TWO_OFFERS = """
    DROP INDEX offers_one_live;
    INSERT INTO offers SELECT gen_random_uuid(), incident_id, volunteer_id, lane, role, status, late, extended_at,
                              expires_at, settled_at, distance_m, round_id
    FROM offers WHERE status = 'extended' LIMIT 1
"""
NOBODY_ASKED = """
    UPDATE offers SET status = 'withdrawn' WHERE status = 'extended';
    DELETE FROM agenda WHERE kind IN ('consider', 'offer')
"""
UNSENT = """
    UPDATE offers SET status = 'expired' WHERE status = 'extended';
    UPDATE messages SET status = 'skipped' WHERE purpose = 'offer'
"""
UNANSWERED = (
    "SELECT m.id FROM messages m JOIN offers o ON o.id = m.offer_id WHERE o.status = 'extended' LIMIT 1"
)


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Open an incident, let one volunteer accept, and process all events."""
    post = await Post.open(pool, clock, people=6)
    incident = await post.scene.incident()
    await post.deliver()
    await post.answer(next(iter(incident.offers.values())))
    await post.deliver()
    topics, consumers = map(list, zip(*READERS, strict=True))
    await pool.execute(REPORTS)
    await pool.execute(ALL_CONSUMED, topics, consumers)
    await pool.execute("DELETE FROM outbox")
    return post


async def violated(post: Post, **seen: object) -> set[str]:
    """Return the names of the checks that found a violation."""
    found = await checks.run(post.uow, Observed(**seen))  # type: ignore[arg-type]
    assert list(found) == list(CHECKS)
    return {line for line, ones in found.items() if ones}


async def test_a_sound_database_passes_every_check(post: Post) -> None:
    accepted: list[UUID] = [row["id"] for row in await post.uow.pool.fetch("SELECT id FROM reports")]
    assert accepted
    assert await violated(post, accepted=accepted, repeats=Counter({PHONE: 1}), allowed_repeats=1) == set()


@pytest.mark.parametrize(
    ("planted", "lines"),
    [
        (LOST, {"incidents"}),
        (TWO_IN_A_SEAT, {"seats", "journal"}),
        (TWO_OFFERS, {"offers", "journal"}),
        ("UPDATE incidents SET ring = ring + 1", {"journal"}),
        (NOBODY_ASKED, {"asking", "journal"}),
        (UNSENT, {"asking", "journal"}),
        ("UPDATE journal SET body = body || ' ' WHERE topic = 'notification.events'", {"journal"}),
        ("INSERT INTO outbox (bucket, position) VALUES (0, 1)", {"stuck"}),
        ("DELETE FROM inbox WHERE consumer = 'offer-messages'", {"stuck"}),
        ("UPDATE replies SET processed_at = NULL", {"stuck"}),
        ("UPDATE messages SET status = 'leased' WHERE id = (SELECT id FROM messages LIMIT 1)", {"stuck"}),
    ],
)
async def test_a_check_finds_a_violation_planted_in_the_database(
    post: Post, planted: str, lines: set[str]
) -> None:
    await post.uow.pool.execute(planted)
    assert await violated(post) == lines


async def test_an_entry_that_never_ran_and_one_that_ran_twice_are_found(post: Post) -> None:
    post.clock.advance(120)
    assert await violated(post) == {"agenda", "stuck"}
    for incident in await post.uow.pool.fetch("SELECT id FROM incidents"):
        await post.tick(incident["id"])
    assert "agenda" not in await violated(post)
    await post.uow.pool.execute(AGAIN, "offer.expired.v1")
    assert "agenda" in await violated(post)


@pytest.mark.parametrize(
    ("event", "line"), [("assignment.assigned.v1", "seats"), ("offer.extended.v2", "offers")]
)
async def test_a_past_violation_is_found_in_the_journal(post: Post, event: str, line: str) -> None:
    await post.uow.pool.execute(AGAIN, event)
    await post.uow.pool.execute(
        "UPDATE journal SET body = convert_to(regexp_replace(convert_from(body, 'UTF8'),"
        " '\"(assignment|offer)_id\":\"[^\"]*\"', '\"\\1_id\":\"' || $1 || '\"', 'g'), 'UTF8') WHERE seq >= 1000",
        str(new_id()),
    )  # fmt: skip
    assert line in await violated(post)


async def test_observations_of_the_participants_are_compared_with_the_database(post: Post) -> None:
    unanswered = await post.uow.pool.fetchval(UNANSWERED)
    assert await violated(post, accepted=[new_id()]) == {"incidents"}
    assert await violated(post, answered=[unanswered]) == {"answers"}
    assert await violated(post, repeats=Counter({PHONE: 2}), allowed_repeats=1) == {"repeats"}
    assert await violated(post, failures=["process ended: relay"]) == {"stuck"}
