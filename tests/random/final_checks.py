"""What must hold once everything is delivered and sent and all due time has passed."""

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

import asyncpg

from dispatch.domain.matching.ranking import NEVER, Draw, recomputed
from dispatch.services.incidents.escalations import system_subject
from dispatch.services.operations.rebuilding import differences
from dispatch.storage.standings import unpacked_places
from tests.random.model import Incident, Model
from tests.random.town import LAST, Town

LATER_S = (301, 61, 61)
"""Enough for somebody who does not leave to lose the seat, then for both steps of each plan, and for a message that was
put back or died with."""
PAST_EVERY_END_S = (25 * 3600, 601, 3601)
"""The end of every plan, the time in which a supervisor is told, and that after which a mission ends by itself."""
EVERYTHING = 10**6

CHAIN = """
    SELECT stream, seq, topic, key, headers, body, prev_hash, hash FROM journal
    WHERE id > $1 AND organisation = $2 ORDER BY stream, seq
"""
LOOSE = """
    SELECT (SELECT count(*) FROM journal WHERE id > $1) - (SELECT count(*) FROM outbox) AS unpublished,
           (SELECT count(*) FROM parking WHERE organisation = $2) AS parked,
           (SELECT count(*) FROM replies WHERE organisation = $2 AND processed_at IS NULL) AS unprocessed,
           (SELECT count(*) FROM agenda a WHERE due_at <= $3
              AND NOT (kind IN ('consider', 'waiting')
                       AND EXISTS (SELECT FROM organisations o
                                   WHERE o.id = a.organisation AND o.paused_at IS NOT NULL))
           ) AS overdue,
           (SELECT count(*) FROM messages WHERE organisation = $2
              AND (status = 'leased' OR status = 'queued' AND due_at <= $3)) AS unsent
"""
"""What is left over; a page that waits for its contact's next text is not due yet."""
ORDERS = """
    SELECT r.*, i.mode, p.body #>> '{search,choose}' AS choose
    FROM rounds r JOIN incidents i ON i.id = r.incident_id JOIN plans p ON p.hash = i.plan_hash
    WHERE i.organisation = $1 AND r.ranked IS NOT NULL
"""
LAST_TURN = """
    SELECT max(a.assigned_at) FILTER (WHERE a.assigned_at < $2
                                        AND (a.reason IS DISTINCT FROM 'withdrew' OR a.released_at > $2)),
           max(a.assigned_at) FILTER (WHERE a.assigned_at <= $2
                                        AND (a.reason IS DISTINCT FROM 'withdrew' OR a.released_at >= $2))
    FROM assignments a JOIN incidents i ON i.id = a.incident_id WHERE a.volunteer_id = $1 AND i.mode = $3
"""
"""When somebody was last assigned before a moment, and at it: the clock of a run stands still between waits."""
REPORTS = "SELECT id, source, source_id, incident_id FROM reports WHERE organisation = $1"
OPENED = "SELECT id, report_id FROM incidents WHERE organisation = $1"
MESSAGES = (
    "SELECT purpose, recipient_id, offer_id, escalation_id, status FROM messages WHERE organisation = $1"
)


async def check_end(town: Town) -> None:
    """Let the run come to its end, and check what it left."""
    await _settle(town)
    await _check_tables(town)
    await _check_reports(town)
    await _check_notified(town)
    for incident in town.model.incidents.values():
        _check_handled(incident)
        _check_recalls_known(incident)
        _check_waiting(incident, paused=town.model.paused)
    _check_overlaps(town.model)
    await _check_ends(town)
    await _check_orders(town)
    await _check_redelivery(town)


async def _check_orders(town: Town) -> None:
    """Check that each turn and each draw comes out the same again, and that its first were picked."""
    for row in await town.pool.fetch(ORDERS, town.organisation):
        choose, places = row["choose"], unpacked_places(row["ranked"])
        assert recomputed(choose, Draw(row["incident_id"], row["id"]), sorted(places, key=str)) == places
        ranks = {place.volunteer_id: number for number, place in enumerate(places)}
        picked = [ranks[UUID(who)] for who, *_ in row["picked"]]
        assert picked == sorted(picked), "they are picked in order"
        for place in places:
            query = (LAST_TURN, place.volunteer_id, row["at"], row["mode"])
            ((least, most),) = await town.pool.fetch(*query)
            since = place.last_assigned_at or NEVER
            assert choose == "lot" or (least or NEVER) <= since <= (most or NEVER), (
                "a turn is as in the journal"
            )


async def _settle(town: Town) -> None:
    await town.deliver_all()
    for seconds in LATER_S:
        town.clock.advance(seconds)
        await town.run_agenda()
        await town.deliver_all()
    await town.send()
    await town.deliver_all()


async def _check_tables(town: Town) -> None:
    loose = await town.pool.fetchrow(LOOSE, town.began, town.organisation, town.now)
    assert loose is not None
    assert not any(loose.values()), f"nothing is left over: {dict(loose)}"
    _check_chain(await town.pool.fetch(CHAIN, town.began, town.organisation))
    subjects = [*town.model.incidents, system_subject(town.organisation)]
    async with town.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        found = await differences(connection, subjects)  # type: ignore[arg-type]
    assert not found, f"the tables are as the journal says: {found}"


def _check_chain(rows: list[asyncpg.Record]) -> None:
    heads: dict[object, tuple[int, bytes]] = defaultdict(lambda: (0, bytes(32)))
    for row in rows:
        seq, previous = heads[row["stream"]]
        assert row["seq"] == seq + 1, "an event's place follows the one before it"
        assert row["prev_hash"] == previous
        parts = (previous, row["topic"].encode(), row["key"], row["headers"], row["body"])
        packed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        assert row["hash"] == sha256(packed).digest(), "the journal is chained"
        heads[row["stream"]] = (row["seq"], row["hash"])


async def _check_reports(town: Town) -> None:
    kept = {(r["source"], r["source_id"]): r for r in await town.pool.fetch(REPORTS, town.organisation)}
    opened = {r["report_id"]: r["id"] for r in await town.pool.fetch(OPENED, town.organisation)}
    assert len(kept) == len(town.sent), "every report is kept once"
    for source, body in town.sent:
        report = kept[source, body.id]
        if body.updates is None:
            assert opened[report["id"]] == report["incident_id"], "a report has exactly one incident"
        else:
            first = kept[source, body.updates]
            assert report["incident_id"] == first["incident_id"], "an update adds to what it names"
    assert len(opened) == sum(1 for _, body in town.sent if body.updates is None)
    assert opened.keys() <= {row["id"] for row in kept.values()}
    assert set(opened.values()) == set(town.model.incidents)


async def _check_notified(town: Town) -> None:
    found = await town.pool.fetch(MESSAGES, town.organisation)
    notified = {(m["purpose"], m["offer_id"] or m["escalation_id"]) for m in found}
    asked = {m["offer_id"] for m in found if m["purpose"] == "offer" and m["status"] == "sent"}
    missing = {*_to_notify(town), *_to_stand_down(town, asked)} - notified
    assert not missing, f"everybody concerned is notified: {missing}"
    sent = {(m["purpose"], m["offer_id"]) for m in found if m["status"] == "sent"}
    missing = {
        (kind, offer)
        for incident in town.model.incidents.values()
        for kind, offer in _recalled(incident)
        if (kind, offer) not in sent
    }
    assert not missing, f"a recall reaches everybody: {missing}"
    assert town.phones.repeats <= town.phones.doubts, "only what was in doubt is sent again"


def _to_notify(town: Town) -> Iterator[tuple[str, object]]:
    for incident in town.model.incidents.values():
        yield from (("assigned", one.offer) for one in incident.assignments.values())
        waiting = (o for o in incident.offers.values() if o.status == "waitlisted")
        yield from (("waitlisted", o.id) for o in waiting)
        yield from (("late", o.id) for o in incident.offers.values() if o.late == "thanked")
        yield from (("escalation", name) for name, one in incident.escalations.items() if one.page)
    yield from (("escalation", name) for name, one in town.model.system.items() if one.page)


def _to_stand_down(town: Town, asked: set[UUID]) -> Iterator[tuple[str, object]]:
    """Give those who were asked and need not come after all, and those who were released by others."""
    for offer in town.model.offers.values():
        if offer.id in asked and offer.withdrawn in ("covered", "taken_over", "closed", "cancelled"):
            yield "stand_down", offer.id
    for incident in town.model.incidents.values():
        for one in incident.assignments.values():
            if one.released in ("stood_down", "closed", "cancelled"):
                yield "stand_down", one.offer


def _recalled(incident: Incident) -> Iterator[tuple[str, object]]:
    """Give the recalls that must have gone out: a hold that was lifted in time need not."""
    last = {offer.volunteer: offer.id for offer in incident.offers.values()}
    for who, (kind, _, _) in incident.recalls.items():
        if kind == "aborted" or incident.status == "held":
            yield kind, last[who]


def _check_handled(incident: Incident) -> None:
    """Check that an incident is over, covered, or known to a supervisor."""
    if incident.ended or incident.status in ("held", "taken_over"):
        return
    obstacles = {
        "unplaced": not incident.placed,
        "no_plan": not incident.seats,
        "awaiting_confirmation": bool(incident.awaiting),
        "hazard": incident.forbidden(),
        "uncovered": bool(incident.seats) and not incident.awaiting and not incident.covered,
    }
    for reason, stands in obstacles.items():
        known = [one for one in incident.raised(reason) if one.open and one.page]
        assert known or not stands, f"it escalates: {reason}"


def _check_waiting(incident: Incident, *, paused: bool) -> None:
    """Check that nobody waits for what is over, or for a seat that is free and not kept so by a pause."""
    roles = {seat.role for seat in incident.seats.values()}
    for role in (role for role in roles if incident.waiting(role)):
        assert not incident.ended, "nobody waits for what is over"
        assert paused or incident.status != "open" or not incident.free(role), (
            "who waits is seated where they can"
        )


def _check_recalls_known(incident: Incident) -> None:
    if incident.status not in ("held", "aborted"):
        return
    raised = [one.told_at for one in incident.raised("recall_unacknowledged")]
    for who, (kind, at, seen) in incident.recalls.items():
        if not seen and (kind == "aborted" or who in incident.involved()):
            assert max(raised, default=at) > at, "a supervisor knows who has not seen a recall"


def _check_overlaps(model: Model) -> None:
    bound = {(who, model.incidents[name].lane) for who, name in model.engagements()}
    torn = [who for who, lane in bound if lane != "urgent" and (who, "urgent") in bound]
    assert not torn, "who is urgently assigned is free of everything else"


async def _check_ends(town: Town) -> None:
    """Let a day and some hours pass: whatever has not ended by then pages a person."""
    for seconds in PAST_EVERY_END_S:
        town.clock.advance(seconds)
        await town.run_agenda()
        await town.deliver_all()
    await town.send()
    await town.deliver_all()
    for incident in town.model.incidents.values():
        assert incident.ended or not incident.ends_itself, "what may end by itself has ended"
        paged = any(one.open and one.page for one in incident.escalations.values())
        assert incident.ended or paged, "every incident ends or pages a person"


async def _check_redelivery(town: Town) -> None:
    before = await town.pool.fetchval(LAST)
    for reader in town.readers.values():
        reader.rewind(EVERYTHING)
    await town.deliver_all()
    assert await town.pool.fetchval(LAST) == before, "what is heard again changes nothing"
