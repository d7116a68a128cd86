"""The auditor escalates faults that would go unnoticed, once, and resolves them when they are over."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from dispatch.clock import MovableClock
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.access import organisations
from dispatch.services.incidents import escalations
from dispatch.services.operations import auditing
from dispatch.services.operations.auditing import PEOPLE, SAMPLE, Auditor, unread
from dispatch.services.subscriptions import READERS
from dispatch.storage.pool import transaction
from tests.support.world import World


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


@pytest.fixture
def auditor(world: World) -> Auditor:
    return Auditor(world.uow, READERS)


async def escalated(world: World) -> list[tuple[str, str]]:
    """Return reason and status of the escalations about the system."""
    rows = await world.pool.fetch(
        "SELECT reason, status FROM escalations WHERE subject_kind = 'system' ORDER BY raised_at, reason"
    )
    return [(row["reason"], row["status"]) for row in rows]


async def publish_all(world: World) -> None:
    """Mark every event as published and handled, as when all consumers run."""
    await world.pool.execute("DELETE FROM outbox")
    await record_handled(world, *(consumer for _, consumer in READERS))


async def record_handled(world: World, *consumers: str) -> None:
    await world.pool.execute(
        "INSERT INTO inbox SELECT consumer, event_id, $1 FROM journal CROSS JOIN unnest($2::text[]) AS consumer"
        " ON CONFLICT DO NOTHING",
        world.now, consumers,
    )  # fmt: skip


async def test_without_a_fault_nothing_is_escalated(world: World, auditor: Auditor) -> None:
    await world.add_people(4)
    await world.ask()
    await world.advance(29)
    await auditor.round()
    assert (await escalated(world), auditor.last_round) == ([], world.now)


async def test_a_late_agenda_is_escalated_once_and_resolved_when_it_is_processed(
    world: World, auditor: Auditor
) -> None:
    await world.add_people(4)
    await world.ask()
    await publish_all(world)
    world.clock.advance(75)
    await auditor.round()
    assert await escalated(world) == []
    world.clock.advance(1)
    await auditor.round()
    await auditor.round()
    assert await escalated(world) == [("agenda_late", "raised")]
    await world.advance(0)
    await publish_all(world)
    await auditor.round()
    assert await escalated(world) == [("agenda_late", "resolved")]


async def test_a_fault_that_recurs_is_a_new_escalation(world: World, auditor: Auditor) -> None:
    await world.open()
    await world.pool.execute("UPDATE agenda SET due_at = due_at - interval '1 hour' WHERE kind = 'consider'")
    await auditor.round()
    await world.advance(0)
    await auditor.round()
    await world.pool.execute("UPDATE agenda SET due_at = due_at - interval '1 hour' WHERE kind = 'step'")
    await auditor.round()
    late = [status for reason, status in await escalated(world) if reason == "agenda_late"]
    assert late == ["resolved", "raised"]


async def test_considering_during_a_pause_is_not_late(world: World, auditor: Auditor) -> None:
    await organisations.pause(world.uow, world.organisation, "Ada")
    await world.open()
    await publish_all(world)
    world.clock.advance(59)
    await auditor.round()
    assert [reason for reason, _ in await escalated(world)] == ["paused"]


async def test_a_deferred_entry_that_was_escalated_is_not_escalated_twice(
    world: World, auditor: Auditor
) -> None:
    name = await world.open()
    await publish_all(world)
    subject = escalations.system_subject(world.organisation)
    cause = Cause(f"stuck:{name}", 3, page=True)
    async with transaction(world.pool) as connection:
        await escalations.escalate(connection, world.organisation, "system", subject, cause, world.now)
    world.clock.advance(45)
    await auditor.round()
    assert [reason for reason, _ in await escalated(world)] == [f"stuck:{name}"]


async def test_unpublished_events_are_escalated_and_resolved(world: World, auditor: Auditor) -> None:
    await world.ask(kind="unknown")
    world.clock.advance(60)
    await auditor.round()
    assert await escalated(world) == []
    world.clock.advance(1)
    await auditor.round()
    assert await escalated(world) == [("outbox_late", "raised")]
    await publish_all(world)
    await auditor.round()
    assert await escalated(world) == [("outbox_late", "resolved")]


async def test_unsent_messages_are_escalated_and_resolved(world: World, auditor: Auditor) -> None:
    await world.pool.execute(
        "INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, purpose, channel,"
        " severity, status, due_at, created_at)"
        " VALUES ($1, $1, 'actual', 'duty', $1, 'escalation', 'sms', 0, 'queued', $2, $2)",
        world.organisation, world.now - timedelta(seconds=61),
    )  # fmt: skip
    await auditor.round()
    assert await escalated(world) == [("messages_late", "raised")]
    await world.pool.execute("UPDATE messages SET status = 'sent'")
    await auditor.round()
    assert await escalated(world) == [("messages_late", "resolved")]


async def test_a_row_that_differs_from_the_journal_is_escalated_and_resolved_when_it_is_repaired(
    world: World, auditor: Auditor
) -> None:
    name = await world.ask(kind="unknown")
    await world.pool.execute("UPDATE incidents SET severity = 'routine'")
    for _ in range(20):
        await auditor.round()
        await publish_all(world)
        world.clock.advance(1)
    assert await escalated(world) == [("journal_differs", "raised")]
    await Auditor(world.uow, READERS).round()
    assert await escalated(world) == [("journal_differs", "raised")]
    await world.pool.execute("UPDATE incidents SET severity = 'urgent' WHERE id = $1", name)
    await auditor.round()
    assert await escalated(world) == [("journal_differs", "resolved")]


async def test_a_candidate_row_that_differs_is_named_corrected_and_escalated_until_the_next_round(
    world: World, auditor: Auditor
) -> None:
    who, _ = await world.add_people(2)
    right = await world.pool.fetch("SELECT * FROM candidates ORDER BY volunteer_id")
    await world.pool.execute(
        "UPDATE candidates SET skills = '', urgent_offer = volunteer_id WHERE volunteer_id = $1", who
    )
    with capture_logs() as logs:
        await auditor.round()
    assert [one["rows"] for one in logs] == [
        [f"candidates {who} {world.organisation}: skills, urgent_offer differ"]
    ]
    assert await escalated(world) == [("candidates_differ", "raised")]
    assert await world.pool.fetch("SELECT * FROM candidates ORDER BY volunteer_id") == right
    await auditor.round()
    assert await escalated(world) == [("candidates_differ", "resolved")]


async def test_every_candidate_is_compared_in_turn(world: World, auditor: Auditor) -> None:
    await world.add_people(PEOPLE + 1)
    await world.pool.execute(
        "DELETE FROM candidates WHERE volunteer_id = (SELECT max(id::text)::uuid FROM volunteers)"
    )
    await auditor.round()
    assert await escalated(world) == []
    await auditor.round()
    assert await escalated(world) == [("candidates_differ", "raised")]
    assert await world.pool.fetchval("SELECT count(*) FROM candidates") == PEOPLE + 1


async def test_a_running_incident_that_differs_is_found_within_a_few_rounds_among_many(
    world: World, auditor: Auditor
) -> None:
    for number in range(3 * SAMPLE):
        await world.send(str(number))
    await world.consume_all()
    await world.pool.execute(
        "UPDATE seats SET role = 'x' WHERE incident_id = (SELECT id FROM incidents LIMIT 1)"
    )
    for _ in range(30):
        world.clock.advance(0.1)
        await auditor.round()
    assert ("journal_differs", "raised") in await escalated(world)


@pytest.mark.parametrize("table", ["seats", "offers"])
async def test_a_row_without_an_incident_is_named_and_escalated_until_it_is_gone(
    world: World, auditor: Auditor, table: str
) -> None:
    people = await world.add_people(4)
    await world.answer(await world.ask(), people[0], "accepted")
    await publish_all(world)
    name = await world.pool.fetchval("SELECT id FROM incidents")
    # In the middle of the ids: a round compares those after a random one.
    lost = UUID(int=1 << 127)
    await world.pool.execute(f"UPDATE {table} SET incident_id = $1", lost)
    with capture_logs() as logs:
        for _ in range(20):
            world.clock.advance(0.1)
            await auditor.round()
    assert await escalated(world) == [("journal_differs", "raised")]
    key = (
        f"{lost} 1"
        if table == "seats"
        else str(await world.pool.fetchval(f"SELECT min(id::text) FROM {table}"))
    )
    assert any(one.get("rows", [])[:1] == [f"{table} {key}"] for one in logs)
    await world.pool.execute(f"UPDATE {table} SET incident_id = $1", name)
    await auditor.round()
    assert await escalated(world) == [("journal_differs", "resolved")]


async def test_published_events_that_a_reader_has_not_handled_are_escalated(
    world: World, auditor: Auditor
) -> None:
    await world.add_people(4)
    await world.ask()
    await world.pool.execute("DELETE FROM outbox")
    others = {consumer for _, consumer in READERS} - {"offer-messages"}
    await record_handled(world, *others)
    world.clock.advance(60)
    await auditor.round()
    assert ("reading_late", "raised") not in await escalated(world)
    world.clock.advance(1)
    await auditor.round()
    assert ("reading_late", "raised") in await escalated(world)
    assert [row["consumer"] for row in await unread(world.pool, READERS, world.now)] == 4 * ["offer-messages"]
    await publish_all(world)
    await auditor.round()
    assert ("reading_late", "resolved") in await escalated(world)


async def test_a_lost_event_stays_escalated_until_it_is_handled_however_many_follow(
    world: World, auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.add_people(4)
    await world.ask()
    await record_handled(world, *({consumer for _, consumer in READERS} - {"offer-messages"}))
    world.clock.advance(61)
    await world.pool.execute("DELETE FROM outbox")
    await auditor.round()
    assert ("reading_late", "raised") in await escalated(world)
    monkeypatch.setattr(auditing, "READ_SINCE", timedelta(0))
    await auditor.round()
    assert ("reading_late", "raised") in await escalated(world)
    await Auditor(world.uow, READERS).round()
    assert ("reading_late", "raised") in await escalated(world)
    await publish_all(world)
    await auditor.round()
    assert ("reading_late", "resolved") in await escalated(world)
