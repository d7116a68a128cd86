"""The invariants checked after each fault: one function per column, which returns the violations."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import rebuilding
from dispatch.services.subscriptions import READERS
from dispatch.storage import journal
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from tests.stories.city import UNFINISHED_WORK

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
# An agenda entry that ran has left an event that may occur once: the end of an offer, a step or a widening since a
# seat was missing, a turn of an escalation at a level.
RAN_TWICE = """
    SELECT stream, type, what FROM (
        SELECT stream, type, concat_ws(' ', body->>'offer_id', body->>'step', body->>'radius_m',
                   body->>'escalation_id', body->>'turn', body->>'level', since) AS what
        FROM (SELECT stream, type, convert_from(body, 'UTF8')::jsonb AS body,
                     count(*) FILTER (WHERE type = 'incident.uncovered.v1') OVER (PARTITION BY stream ORDER BY seq)
                         AS since
              FROM journal WHERE topic IN ('incident.events', 'dispatch.offers', 'dispatch.escalations')) AS told
        WHERE type IN ('offer.expired.v1', 'incident.step_done.v1', 'incident.widened.v2', 'escalation.raised.v1')
    ) AS ran GROUP BY stream, type, what HAVING count(*) > 1
"""
NEVER_RAN = """
    SELECT subject, kind FROM agenda WHERE due_at <= $1
    UNION ALL
    SELECT id, 'offer' FROM offers WHERE status = 'extended' AND expires_at <= $1
"""
# Looked up by the offer's messages, since a phone knows only the message.
ANSWERS_NOT_STORED = """
    SELECT m.id FROM messages m WHERE m.id = ANY ($1::uuid[])
      AND NOT EXISTS (SELECT FROM replies r WHERE r.offer_id = m.offer_id)
"""
# A search finds nobody, or is due; an incident that may ask nobody else has escalated that.
NOT_ASKING = """
    SELECT i.id, 'asks nobody' FROM incidents i JOIN plans p ON p.hash = i.plan_hash
    WHERE i.status = 'open' AND i.covered_at IS NULL AND i.awaiting = '{}'
      AND EXISTS (SELECT FROM seats s WHERE s.incident_id = i.id AND NOT s.reserve AND s.assignment_id IS NULL)
      AND NOT EXISTS (SELECT FROM offers o WHERE o.incident_id = i.id AND o.status = 'extended')
      AND NOT EXISTS (SELECT FROM agenda a WHERE a.subject = i.id AND a.kind = 'consider')
      AND NOT (i.offers_made >= coalesce((p.body->'offers'->>'most')::int, 100)
               AND EXISTS (SELECT FROM escalations e
                           WHERE e.subject_id = i.id AND e.page AND e.status IN ('raised', 'acknowledged')))
"""
COUNTED_UNSENT = """
    SELECT o.id, 'counts as asked and got nothing' FROM offers o
    WHERE o.status = 'expired' AND o.missed IS NULL
      AND NOT EXISTS (SELECT FROM messages m
                      WHERE m.offer_id = o.id AND m.purpose = 'offer'
                        AND (m.status IN ('leased', 'sent', 'delivered') OR m.in_doubt))
"""


@dataclass
class Observed:
    """What the participants observed: reports and answers that were accepted, and repeated texts by phone."""

    accepted: Collection[UUID] = ()
    answered: Collection[UUID] = ()
    repeats: "Counter[str]" = field(default_factory=Counter)
    allowed_repeats: int = 0
    failures: Sequence[str] = ()


Check = Callable[[UnitOfWork, Observed], Awaitable[list[str]]]


async def incidents(uow: UnitOfWork, seen: Observed) -> list[str]:
    """Every accepted report has exactly one incident."""
    return await _found(uow, NOT_OPENED_ONCE, list(seen.accepted))


async def answers(uow: UnitOfWork, seen: Observed) -> list[str]:
    """Every accepted answer is stored."""
    return await _found(uow, ANSWERS_NOT_STORED, list(seen.answered))


async def seats(uow: UnitOfWork, _seen: Observed) -> list[str]:
    """No seat has two people, now or at any time."""
    return await _found(uow, TWO_IN_A_SEAT) + await _found(uow, sql("doubly_filled_seats"))


async def offers(uow: UnitOfWork, _seen: Observed) -> list[str]:
    """Nobody has two live offers in a lane, now or at any time."""
    return await _found(uow, TWO_OFFERS) + await _found(uow, sql("doubly_asked_volunteers"))


async def agenda(uow: UnitOfWork, _seen: Observed) -> list[str]:
    """Every due entry ran, and none ran twice."""
    return await _found(uow, NEVER_RAN, uow.clock.now() - OVERDUE) + await _found(uow, RAN_TWICE)


async def asking(uow: UnitOfWork, _seen: Observed) -> list[str]:
    """Every incident that lacks people is asking, or has asked all it may; nobody counts as asked who got nothing."""
    return await _found(uow, NOT_ASKING) + await _found(uow, COUNTED_UNSENT)


async def stuck(uow: UnitOfWork, seen: Observed) -> list[str]:
    """No work remains, nothing is parked, and no participant observed another failure."""
    waiting = [f"{count} {kind}" for kind, count in (await unfinished(uow)).items() if count]
    parked = await _found(uow, "SELECT source_topic, reason FROM parking WHERE settled_at IS NULL")
    return [*waiting, *(f"parked: {one}" for one in parked), *seen.failures]


async def journal_chain(uow: UnitOfWork, _seen: Observed) -> list[str]:
    """Every link of the journal's hash chain holds, and the tables agree with it."""
    async with transaction(uow.pool) as connection:
        breaks = await journal.verify(connection)
    return [f"{one.stream} {one.seq}: {one.what}" for one in breaks] + await rebuilding.compare(uow)


async def repeats(_uow: UnitOfWork, seen: Observed) -> list[str]:
    """No phone got more repeated messages than the fault may cause."""
    return [
        f"{phone}: {count} repeated" for phone, count in seen.repeats.items() if count > seen.allowed_repeats
    ]


CHECKS: dict[str, Check] = {
    "incidents": incidents, "answers": answers, "seats": seats, "offers": offers, "agenda": agenda,
    "asking": asking, "stuck": stuck, "journal": journal_chain, "repeats": repeats,
}  # fmt: skip
"""The checks by name of their column, in order."""


async def run(uow: UnitOfWork, seen: Observed) -> dict[str, list[str]]:
    """Run every check and return the violations by name."""
    return {name: await line(uow, seen) for name, line in CHECKS.items()}


async def unfinished(uow: UnitOfWork) -> dict[str, int]:
    """Count unfinished work by kind."""
    topics, consumers = map(list, zip(*READERS, strict=True))
    return dict(await uow.pool.fetchrow(UNFINISHED_WORK, uow.clock.now(), topics, consumers) or {})


async def _found(uow: UnitOfWork, query: str, *values: object) -> list[str]:
    return [" ".join(map(str, row.values())) for row in await uow.pool.fetch(query, *values)]
