"""What must hold after each fault: one function a line, each of which names what it found instead."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from dispatch.services import rebuilding
from dispatch.services.engine import Engine
from dispatch.storage import journal
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from tests.stories.city import READERS, STILL_TO_DO

OVERDUE = timedelta(seconds=5)
NOT_OPENED_ONCE = """
    SELECT id FROM (SELECT unnest($1::uuid[]) UNION SELECT id FROM reports) AS report (id)
    WHERE (SELECT count(*) FROM incidents WHERE report_id = report.id) <> 1
"""
TWO_IN_A_SEAT = """
    SELECT incident_id, seat FROM assignments WHERE status <> 'released'
    GROUP BY incident_id, seat HAVING count(*) > 1
"""
TWO_OFFERS = """
    SELECT volunteer_id, lane FROM offers WHERE status = 'extended'
    GROUP BY volunteer_id, lane HAVING count(*) > 1
"""
# An entry that ran has left an event that may come once: an offer's end, a step or a ring since somebody was
# lacking, a turn of an escalation at a level.
RAN_TWICE = """
    SELECT stream, type, what FROM (
        SELECT stream, type, concat_ws(' ', body->>'offer_id', body->>'step', body->>'radius_m',
                   body->>'escalation_id', body->>'turn', body->>'level', since) AS what
        FROM (SELECT stream, type, convert_from(body, 'UTF8')::jsonb AS body,
                     count(*) FILTER (WHERE type = 'incident.uncovered.v1') OVER (PARTITION BY stream ORDER BY seq)
                         AS since
              FROM journal WHERE topic IN ('incident.events', 'dispatch.offers', 'dispatch.escalations')) AS told
        WHERE type IN ('offer.expired.v1', 'incident.step_done.v1', 'incident.widened.v1', 'escalation.raised.v1')
    ) AS ran GROUP BY stream, type, what HAVING count(*) > 1
"""
NEVER_RAN = """
    SELECT subject, kind FROM agenda WHERE due_at <= $1
    UNION ALL
    SELECT id, 'offer' FROM offers WHERE status = 'extended' AND expires_at <= $1
"""
# By the offer's messages, since a phone knows nothing but the message.
UNKEPT = """
    SELECT m.id FROM messages m WHERE m.id = ANY ($1::uuid[])
      AND NOT EXISTS (SELECT FROM replies r WHERE r.offer_id = m.offer_id)
"""


@dataclass
class Seen:
    """What those outside saw: reports accepted, answers taken, and the texts that came again, by phone."""

    accepted: Collection[UUID] = ()
    answered: Collection[UUID] = ()
    repeats: "Counter[str]" = field(default_factory=Counter)
    crashes: int = 0
    failures: Sequence[str] = ()


Line = Callable[[Engine, Seen], Awaitable[list[str]]]


async def incidents(engine: Engine, seen: Seen) -> list[str]:
    """Every accepted report has exactly one incident."""
    return await _found(engine, NOT_OPENED_ONCE, list(seen.accepted))


async def answers(engine: Engine, seen: Seen) -> list[str]:
    """Every answer that was taken is kept."""
    return await _found(engine, UNKEPT, list(seen.answered))


async def seats(engine: Engine, _seen: Seen) -> list[str]:
    """No seat has two people, now or at any time."""
    return await _found(engine, TWO_IN_A_SEAT) + await _found(engine, sql("doubly_filled_seats"))


async def offers(engine: Engine, _seen: Seen) -> list[str]:
    """Nobody has two live offers in a lane, now or at any time."""
    return await _found(engine, TWO_OFFERS) + await _found(engine, sql("doubly_asked_volunteers"))


async def agenda(engine: Engine, _seen: Seen) -> list[str]:
    """Every entry that was due ran, and none twice."""
    return await _found(engine, NEVER_RAN, engine.clock.now() - OVERDUE) + await _found(engine, RAN_TWICE)


async def stuck(engine: Engine, seen: Seen) -> list[str]:
    """Nothing waits, nothing is parked, and nothing else failed that was seen from outside."""
    waiting = [f"{count} {kind}" for kind, count in (await left(engine)).items() if count]
    parked = await _found(engine, "SELECT source_topic, reason FROM parking WHERE settled_at IS NULL")
    return [*waiting, *(f"parked: {one}" for one in parked), *seen.failures]


async def chain(engine: Engine, _seen: Seen) -> list[str]:
    """Compare the tables with the journal, whose chain is whole."""
    async with transaction(engine.pool) as connection:
        breaks = await journal.verify(connection)
    return [f"{one.stream} {one.seq}: {one.what}" for one in breaks] + await rebuilding.compare(engine)


async def repeats(_engine: Engine, seen: Seen) -> list[str]:
    """No phone had more repeated messages than there were crashes."""
    return [f"{phone}: {count} repeated" for phone, count in seen.repeats.items() if count > seen.crashes]


LINES: dict[str, Line] = {
    "incidents": incidents, "answers": answers, "seats": seats, "offers": offers, "agenda": agenda,
    "stuck": stuck, "journal": chain, "repeats": repeats,
}  # fmt: skip
"""The columns of the table, in order."""


async def run(engine: Engine, seen: Seen) -> dict[str, list[str]]:
    """Check every line; what each found stands under its name."""
    return {name: await line(engine, seen) for name, line in LINES.items()}


async def left(engine: Engine) -> dict[str, int]:
    """Count what is not done yet, by kind."""
    topics, consumers = map(list, zip(*READERS, strict=True))
    return dict(await engine.pool.fetchrow(STILL_TO_DO, engine.clock.now(), topics, consumers) or {})


async def _found(engine: Engine, query: str, *values: object) -> list[str]:
    return [" ".join(map(str, row.values())) for row in await engine.pool.fetch(query, *values)]
