"""Batches: readable records take effect once, unreadable ones are parked, and transient failures are retried."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.errors import RefusedError
from dispatch.services.ingest import batches
from dispatch.services.ingest.batches import Batches, split
from dispatch.services.ingest.provenance import FOREIGN, UNKNOWN_SOURCE
from dispatch.storage.parking import Parking
from dispatch.storage.pool import ConnectionLostError, RetryableError
from schemas.decoding import UNKNOWN_ORGANISATION, UNKNOWN_VERSION, Received, Unreadable
from schemas.ids import named
from schemas.incidents import IncidentCovered
from tests.conftest import START
from tests.support.proof import prove

TOPIC = "incident.events"


def received(number: int, *, known: bool = True) -> Received:
    incident = named("incident", number)
    return Received(
        event_id=named("event", number),
        type=IncidentCovered.type,
        data=IncidentCovered(at=START, incident_id=incident) if known else None,
        organisation=UNKNOWN_ORGANISATION,
        mode="actual",
        sequence=1,
        occurred_at=START,
        received_at=START,
        source="renfort",
        ours=True,
        key=str(incident).encode(),
        headers=(("ce_id", b"\xff"), ("ce_type", None)),
        body=b"body %d" % number,
    )


def from_outside(number: int) -> Received:
    return replace(received(number), source="town-hall", ours=False)


def garbage(reason: str = "the body: json invalid", source: str = "town-hall") -> Unreadable:
    return Unreadable(reason, source, None, None, b"[]", b"\x00\xff")


class Effects:
    """A handler that records what it receives, and fails as the test sets."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.errors: list[Exception] = []
        self.poison: dict[int, Exception] = {}

    async def __call__(
        self, connection: asyncpg.Connection, records: Sequence[Received], now: datetime
    ) -> None:
        self.calls.append([number(record) for record in records])
        for record in records:
            await connection.execute("INSERT INTO effects VALUES ($1, $2)", number(record), now)
        if self.errors:
            raise self.errors.pop(0)
        for record in records:
            if number(record) in self.poison:
                raise self.poison[number(record)]


def number(record: Received) -> int:
    assert record.body is not None
    return int(record.body.split()[1])


@pytest.fixture
async def effects(pool: asyncpg.Pool) -> Effects:
    await pool.execute("CREATE TABLE effects (number int, at timestamptz)")
    return Effects()


@pytest.fixture
async def work(pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Batches:
    """Make batches; the journal has the events up to number 19."""
    monkeypatch.setattr(batches, "SHORTEST_WAIT_S", 0.001)
    await prove(pool, TOPIC, *(received(n) for n in range(20)))
    return Batches(pool, clock, lambda: None)


async def numbers(pool: asyncpg.Pool) -> list[int]:
    return [row[0] for row in await pool.fetch("SELECT number FROM effects ORDER BY number")]


async def parked(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return await pool.fetch("SELECT * FROM parking ORDER BY reason")


async def test_a_record_has_its_effect_once_however_often_it_comes(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    await work.run("incidents", TOPIC, [received(1), received(2), received(1)], effects)
    await work.run("incidents", TOPIC, [received(2), received(3)], effects)
    assert effects.calls == [[1, 2], [3]]
    assert await numbers(pool) == [1, 2, 3]


async def test_a_batch_that_is_all_known_does_not_reach_the_handler(work: Batches, effects: Effects) -> None:
    await work.run("incidents", TOPIC, [received(1)], effects)
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert effects.calls == [[1]]


async def test_an_unknown_type_is_recorded_and_ignored(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    await work.run("incidents", TOPIC, [received(1, known=False)], effects)
    assert effects.calls == []
    assert await pool.fetchval("SELECT event_id FROM inbox") == named("event", 1)


async def test_of_a_batch_only_the_poison_is_parked(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    effects.poison = {2: KeyError("a caller's name")}
    await work.run("incidents", TOPIC, [received(1), received(2), received(3)], effects)
    assert await numbers(pool) == [1, 3]
    assert effects.calls == [[1, 2, 3], [1], [2], [2], [2], [3]]
    [row] = await parked(pool)
    assert row["reason"].startswith("KeyError at test_batches.py:")
    assert (row["body"], row["headers"]) == (b"body 2", b'[["ce_id","\xc3\xbf"],["ce_type",null]]')


async def test_poison_is_parked_once_however_often_it_comes(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    effects.poison = {1: KeyError()}
    await work.run("incidents", TOPIC, [received(1)], effects)
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert len(await parked(pool)) == 1
    assert effects.calls == [[1]] * 4


async def test_what_is_refused_is_parked_at_once_with_its_reason(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    effects.poison = {1: RefusedError("a closed incident cannot be held")}
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert effects.calls == [[1], [1]]
    assert [row["reason"] for row in await parked(pool)] == ["a closed incident cannot be held"]


async def test_an_unreadable_record_among_others_is_parked_and_reported(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    alerts: list[Parking] = []

    async def alert(_: asyncpg.Connection, items: Sequence[Parking], now: datetime) -> None:
        assert now == START
        alerts.extend(items)

    for _ in range(2):
        await work.run("reports", "incident.reports", [garbage(), from_outside(1)], effects, on_parked=alert)
    assert await numbers(pool) == [1]
    [item] = alerts
    assert (item.source, item.reason, item.organisation, item.size) == (
        "town-hall",
        "the body: json invalid",
        UNKNOWN_ORGANISATION,
        2,
    )


async def test_that_something_was_parked_goes_out_without_its_bytes(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    await work.run("reports", "incident.reports", [garbage()], effects)
    row = await pool.fetchrow("SELECT * FROM journal j JOIN outbox o ON o.position = j.id")
    assert row is not None
    assert (row["topic"], row["key"], row["type"]) == ("parking", b"incident.reports", "parking.parked.v1")


@pytest.mark.parametrize(
    "error",
    [
        RetryableError(),
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.DiskFullError(""),
        asyncpg.LockNotAvailableError(""),
        asyncpg.AdminShutdownError(""),
        asyncpg.ConnectionDoesNotExistError(""),
        ConnectionLostError("connection is closed"),
        asyncpg.DeadlockDetectedError(""),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_only_difficult_now_is_never_parked(
    work: Batches, effects: Effects, pool: asyncpg.Pool, error: Exception
) -> None:
    effects.errors = [error] * 8
    with pytest.raises(type(error)):
        await work.run("incidents", TOPIC, [received(1)], effects)
    assert (await numbers(pool), await parked(pool)) == ([], [])
    effects.errors = []
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert await numbers(pool) == [1]


async def test_a_lost_race_is_run_again_without_a_redelivery(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    effects.errors = [asyncpg.SerializationError(""), asyncpg.DeadlockDetectedError(""), RetryableError()]
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert await numbers(pool) == [1]


async def test_a_broken_connection_in_mid_transaction_leaves_no_effect(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    async def lose(connection: asyncpg.Connection, records: Sequence[Received], now: datetime) -> None:
        await effects(connection, records, now)
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(ConnectionLostError, match="closed"):
        await work.run("incidents", TOPIC, [received(1)], lose)
    assert await numbers(pool) == []
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert await numbers(pool) == [1]


async def test_what_others_write_on_an_internal_topic_is_parked_and_stops_nothing(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    records: list[Received | Unreadable] = [
        received(1),
        garbage(UNKNOWN_VERSION),
        from_outside(2),
        received(3),
    ]
    await work.run("incidents", TOPIC, records, effects)
    assert await numbers(pool) == [1, 3]
    assert [(row["reason"], row["source"]) for row in await parked(pool)] == 2 * [(FOREIGN, UNKNOWN_SOURCE)]
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 2


async def test_the_id_of_what_is_parked_says_nothing_of_its_bytes(
    pool: asyncpg.Pool, work: Batches, effects: Effects
) -> None:
    await work.run("reports", "incident.reports", [garbage(), garbage()], effects)
    await work.run("reports", "incident.reports", [garbage()], effects)
    await work.run("mirror", "incident.reports", [garbage()], effects)
    rows = await parked(pool)
    assert sorted((row["consumer"], row["id"].version) for row in rows) == [("mirror", 7), ("reports", 7)]


async def test_a_newer_version_from_outside_is_parked(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    await work.run("reports", "incident.reports", [garbage(UNKNOWN_VERSION), from_outside(2)], effects)
    assert await numbers(pool) == [2]
    assert [row["reason"] for row in await parked(pool)] == [UNKNOWN_VERSION]


async def test_what_cannot_be_parked_comes_again(work: Batches, effects: Effects, pool: asyncpg.Pool) -> None:
    async def fail(*_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await work.run("reports", "incident.reports", [garbage()], effects, on_parked=fail)
    assert await parked(pool) == []


async def test_the_relay_is_woken_after_each_commit_and_only_then(
    effects: Effects, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    await prove(pool, TOPIC, received(1))
    seen: list[asyncio.Task[list[int]]] = []
    work = Batches(pool, clock, lambda: seen.append(asyncio.create_task(numbers(pool))))
    await work.run("incidents", TOPIC, [received(1)], effects)
    assert [await task for task in seen] == [[1]]


async def test_two_consumers_of_one_group_share_a_redelivered_batch_without_a_double_effect(
    work: Batches, effects: Effects, pool: asyncpg.Pool
) -> None:
    records = [received(n) for n in range(20)]
    await asyncio.gather(
        work.run("incidents", TOPIC, records, effects),
        work.run("incidents", TOPIC, list(reversed(records)), effects),
    )
    assert await numbers(pool) == list(range(20))


def test_a_large_batch_is_split_by_its_keys_in_order() -> None:
    records = [received(n % 150) for n in range(400)]
    parts = list(split(records))
    assert [record for part in parts for record in part] == records
    assert all(len({record.key for record in part}) <= batches.MOST_KEYS for part in parts)
    assert len(parts) == 4
