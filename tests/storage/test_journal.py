"""The journal: order, chain, and what two writers of one stream may do."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from dispatch.storage.journal import Entry, append, bucket_of, read_streams, verify
from dispatch.storage.pool import RetryableError, retrying
from schemas.envelope import SOURCE, decode, unpack
from schemas.ids import derived, named
from schemas.incidents import IncidentCovered, IncidentUncovered

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
ORGANISATION = named("organisation", "SDIS 67")
FIRST, SECOND = named("incident", 1), named("incident", 2)


def covered(incident: UUID) -> Entry:
    event = IncidentCovered(at=NOW, incident_id=incident)
    return Entry(incident, event, ORGANISATION, "actual", str(incident), NOW, NOW)


def uncovered(incident: UUID) -> Entry:
    event = IncidentUncovered(at=NOW, incident_id=incident)
    return Entry(incident, event, ORGANISATION, "actual", str(incident), NOW, NOW)


async def test_events_are_read_back_in_the_order_of_each_stream(connection: asyncpg.Connection) -> None:
    await append(connection, [covered(FIRST), covered(SECOND), uncovered(FIRST)], NOW)
    await append(connection, [covered(FIRST)], NOW)
    events = await read_streams(connection, [FIRST, SECOND])
    assert [event.type for event in events[FIRST]] == [
        "incident.covered.v1",
        "incident.uncovered.v1",
        "incident.covered.v1",
    ]
    assert events[SECOND] == [covered(SECOND).event]


async def test_an_event_is_named_by_its_stream_and_place(connection: asyncpg.Connection) -> None:
    ids = await append(connection, [covered(FIRST), uncovered(FIRST)], NOW)
    assert ids == [derived(FIRST, 1), derived(FIRST, 2)]


async def test_each_event_goes_out_once_in_the_order_written(connection: asyncpg.Connection) -> None:
    entries = [covered(FIRST), covered(SECOND), uncovered(SECOND), uncovered(FIRST)]
    ids = await append(connection, entries, NOW)
    rows = await connection.fetch(
        "SELECT o.bucket, j.event_id, j.key FROM outbox o JOIN journal j ON j.id = o.position ORDER BY o.id"
    )
    assert [row["event_id"] for row in rows] == ids
    assert [row["bucket"] for row in rows] == [bucket_of(row["key"]) for row in rows]


async def test_what_goes_out_can_be_decoded(connection: asyncpg.Connection) -> None:
    await append(connection, [covered(FIRST), uncovered(FIRST)], NOW)
    row = await connection.fetchrow("SELECT * FROM journal WHERE seq = 2")
    assert row is not None
    received = decode(row["topic"], row["key"], unpack(row["headers"]), row["body"])
    assert received is not None
    assert received.source == SOURCE
    assert (received.event_id, received.sequence, received.data) == (  # type: ignore[union-attr]
        derived(FIRST, 2),
        2,
        uncovered(FIRST).event,
    )


async def test_an_untouched_journal_holds(connection: asyncpg.Connection) -> None:
    await append(connection, [covered(FIRST), covered(SECOND), uncovered(FIRST)], NOW)
    assert await verify(connection) == []


@pytest.mark.parametrize(
    ("tampering", "what"),
    [
        ("UPDATE journal SET body = 'x' WHERE seq = 2", "its bytes were changed"),
        ("UPDATE journal SET headers = 'x' WHERE seq = 2", "its bytes were changed"),
        ("UPDATE journal SET key = 'x' WHERE seq = 2", "its bytes were changed"),
        ("UPDATE journal SET topic = 'x' WHERE seq = 2", "its bytes were changed"),
        ("UPDATE journal SET hash = 'x' WHERE seq = 1", "it does not follow from the event before it"),
        ("DELETE FROM journal WHERE seq = 1", "events 1 to 1 are missing"),
    ],
)
async def test_tampering_is_found_where_it_was_done(
    connection: asyncpg.Connection, tampering: str, what: str
) -> None:
    await append(connection, [covered(FIRST), uncovered(FIRST), covered(FIRST)], NOW)
    await append(connection, [covered(SECOND)], NOW)
    await connection.execute(tampering + " AND stream = $1", FIRST)
    found = [(place.stream, place.seq, place.what) for place in await verify(connection)]
    assert (FIRST, 2, what) in found
    assert await verify(connection, SECOND) == []


async def test_of_two_writers_at_one_place_the_second_tries_again(pool: asyncpg.Pool) -> None:
    quick = [covered(FIRST)]

    @retrying
    async def late() -> list[UUID]:
        async with pool.acquire() as slow, slow.transaction(isolation="repeatable_read"):
            await slow.execute("SELECT 1 FROM journal")
            if quick:
                await append(pool, [quick.pop()], NOW)  # type: ignore[arg-type]
            return await append(slow, [uncovered(FIRST)], NOW)  # type: ignore[arg-type]

    assert await late() == [derived(FIRST, 2)]
    assert await verify(await pool.acquire()) == []  # type: ignore[arg-type]


async def test_a_lost_race_for_a_place_is_told_as_such(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as slow, pool.acquire() as quick:
        await slow.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM journal")
        await append(quick, [covered(FIRST)], NOW)  # type: ignore[arg-type]
        with pytest.raises(RetryableError):
            await append(slow, [covered(FIRST)], NOW)  # type: ignore[arg-type]
        await slow.execute("ROLLBACK")
