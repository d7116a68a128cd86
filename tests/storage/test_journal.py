"""The journal: its order, its chain, and two writers of one stream."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from dispatch.storage.chain import bucket_of
from dispatch.storage.journal import Entry, append, read_streams, verify
from dispatch.storage.pool import RetryableError, retrying, transaction
from schemas.decoding import decode
from schemas.envelope import SOURCE, unpack
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


async def event_ids(connection: asyncpg.Connection) -> list[UUID]:
    """Return the ids of all events in the order of the journal."""
    return [row["event_id"] for row in await connection.fetch("SELECT event_id FROM journal ORDER BY id")]


async def test_a_stream_that_is_new_by_mistake_is_tried_again_by_its_writer(pool: asyncpg.Pool) -> None:
    async with transaction(pool) as connection:
        await append(connection, [covered(FIRST)], NOW, new=[FIRST])
    with pytest.raises(RetryableError):
        async with transaction(pool) as connection:
            await append(connection, [uncovered(FIRST)], NOW, new=[FIRST])


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
    await append(connection, [covered(FIRST), uncovered(FIRST)], NOW)
    assert await event_ids(connection) == [derived(FIRST, 1), derived(FIRST, 2)]


async def test_each_event_goes_out_once_in_the_order_written(connection: asyncpg.Connection) -> None:
    entries = [covered(FIRST), covered(SECOND), uncovered(SECOND), uncovered(FIRST)]
    await append(connection, entries, NOW)
    rows = await connection.fetch(
        "SELECT o.bucket, j.event_id, j.key FROM outbox o JOIN journal j ON j.id = o.position ORDER BY o.id"
    )
    assert [row["event_id"] for row in rows] == await event_ids(connection)
    assert [row["key"].decode() for row in rows] == [entry.key for entry in entries]
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


SWAPPED = """
    UPDATE journal SET seq = -seq WHERE seq IN (2, 3);
    UPDATE journal SET seq = 5 + seq WHERE seq < 0
"""
PUT_IN = """
    UPDATE journal SET seq = -seq - 1 WHERE seq >= 2;
    UPDATE journal SET seq = -seq WHERE seq < 0;
    INSERT INTO journal (organisation, mode, stream, seq, event_id, topic, type, bucket, key, headers, body,
                         prev_hash, hash, recorded_at)
    SELECT organisation, mode, stream, 2, event_id, topic, type, bucket, key, headers, body,
           prev_hash, hash, recorded_at
    FROM journal WHERE seq = 1
"""
CHANGED, LOOSE = "its bytes were changed", "it does not follow from the event before it"
ASTRAY = "its columns differ from its bytes: stream or seq, event_id"
TAMPERED: dict[str, tuple[str, int, str]] = {
    "the body": ("UPDATE journal SET body = body || ' ' WHERE seq = 3", 3, CHANGED),
    "the headers": ("UPDATE journal SET headers = headers || ' ' WHERE seq = 3", 3, CHANGED),
    "the key": ("UPDATE journal SET key = key || ' ' WHERE seq = 3", 3, CHANGED),
    "the topic": ("UPDATE journal SET topic = topic || ' ' WHERE seq = 3", 3, CHANGED),
    "the hash": ("UPDATE journal SET hash = sha256(hash) WHERE seq = 3", 4, LOOSE),
    "the hash before": ("UPDATE journal SET prev_hash = sha256(hash) WHERE seq = 3", 3, LOOSE),
    "removed": ("DELETE FROM journal WHERE seq = 3", 4, "events 3 to 3 are missing"),
    "removed at the start": ("DELETE FROM journal WHERE seq <= 2", 3, "events 1 to 2 are missing"),
    "exchanged": (SWAPPED, 2, LOOSE),
    "put in": (PUT_IN, 2, LOOSE),
    "given another stream": ("UPDATE journal SET stream = gen_random_uuid()", 1, ASTRAY),
}  # fmt: skip
COLUMNS = {
    "organisation": "gen_random_uuid()",
    "mode": "'test'",
    "type": "'incident.closed.v1'",
    "event_id": "gen_random_uuid()",
    "bucket": "(bucket + 1) % 64",
    "recorded_at": "recorded_at + interval '1 microsecond'",
}


async def broken_by(connection: asyncpg.Connection, script: str) -> list[tuple[int, str]]:
    """Tamper with the journal, return the breaks that are found, and undo it."""
    tampering = connection.transaction()
    await tampering.start()
    try:
        await connection.execute(script)
        return [(place.seq, place.what) for place in await verify(connection)]
    finally:
        await tampering.rollback()


async def test_tampering_of_any_kind_is_found_where_it_was_done(connection: asyncpg.Connection) -> None:
    await append(connection, [covered(FIRST), uncovered(FIRST), covered(FIRST), uncovered(FIRST)], NOW)
    missed = {
        name: found
        for name, (script, *wanted) in TAMPERED.items()
        if tuple(wanted) not in (found := await broken_by(connection, script))
    }
    assert missed == {}
    assert await verify(connection) == []


async def test_a_column_that_does_not_repeat_what_is_under_the_hash_is_named(
    connection: asyncpg.Connection,
) -> None:
    await append(connection, [covered(FIRST), uncovered(FIRST)], NOW)
    for column, value in COLUMNS.items():
        found = await broken_by(connection, f"UPDATE journal SET {column} = {value} WHERE seq = 2")
        assert found == [(2, f"its columns differ from its bytes: {column}")]


async def test_tampering_with_one_stream_does_not_touch_another(connection: asyncpg.Connection) -> None:
    await append(connection, [covered(FIRST), covered(SECOND), uncovered(FIRST)], NOW)
    await connection.execute("DELETE FROM journal WHERE stream = $1 AND seq = 1", FIRST)
    assert [place.stream for place in await verify(connection)] == [FIRST]
    assert await verify(connection, SECOND) == []


async def test_of_two_writers_at_one_place_the_second_tries_again(pool: asyncpg.Pool) -> None:
    tries = 0

    @retrying
    async def late() -> None:
        nonlocal tries
        tries += 1
        async with transaction(pool) as connection:
            await append(connection, [uncovered(FIRST)], NOW)

    async with transaction(pool) as connection:
        await append(connection, [covered(FIRST)], NOW)
        second = asyncio.ensure_future(late())
        await asyncio.sleep(0.2)
    await second
    assert tries == 2
    async with pool.acquire() as reader:
        assert await event_ids(reader) == [derived(FIRST, 1), derived(FIRST, 2)]  # type: ignore[arg-type]
        assert await verify(reader) == []  # type: ignore[arg-type]
