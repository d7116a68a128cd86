"""Records of a newer generation: proven by the journal they make their partition wait, and it alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest
from structlog.testing import capture_logs

from dispatch.clock import MovableClock
from dispatch.domain.errors import NewerVersionError
from dispatch.services.ingest import batches, waiting_partitions
from dispatch.services.ingest.batches import Batches
from dispatch.services.ingest.provenance import UNPROVEN
from dispatch.storage import journal, write_generation
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from schemas.decoding import Newer, PartitionOffset, Received, Unreadable, decode
from schemas.envelope import unpack
from schemas.generations import GENERATION
from schemas.ids import named
from schemas.incidents import IncidentCovered
from schemas.reports import ReportReceived
from tests.conftest import START
from tests.support.world import World

TOPIC = "incident.events"
AHEAD = GENERATION + 7


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


@pytest.fixture
def work(pool: asyncpg.Pool, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Batches:
    monkeypatch.setattr(batches, "SHORTEST_WAIT_S", 0.001)
    return Batches(pool, clock, lambda: None)


class Handled:
    """A handler that records the incidents that it receives, and fails where the test sets so."""

    def __init__(self) -> None:
        self.incidents: list[str] = []
        self.fails_at: dict[str, Exception] = {}

    async def __call__(
        self, _connection: asyncpg.Connection, records: Sequence[Received], _now: datetime
    ) -> None:
        names = [record.key.decode() for record in records]
        for name in names:
            if name in self.fails_at:
                raise self.fails_at[name]
        self.incidents += names


async def write(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    generation: int = GENERATION,
    **changes: object,
) -> Received | Unreadable:
    """Write an event to the journal as a version of a generation would, and return it as it stands on the topic."""
    incident = named("incident", number)
    body: dict[str, object] = {"at": START.isoformat(), "incident_id": str(incident)} | changes
    type_ = str(body.pop("type", IncidentCovered.type))
    with monkeypatch.context() as patch:
        patch.setattr(write_generation, "current", generation)
        patch.setattr(journal, "encode", lambda *_: (type_, json.dumps(body).encode()))
        event = IncidentCovered(at=START, incident_id=incident)
        entry = Entry(incident, event, world.organisation, "actual", str(incident), START, START)
        async with transaction(world.pool) as connection:
            await append(connection, [entry], START)
    row = await world.pool.fetchrow("SELECT * FROM journal ORDER BY id DESC LIMIT 1")
    assert row is not None
    return decode(TOPIC, row["key"], unpack(row["headers"]), row["body"])


def at(record: Received | Unreadable, partition: int, offset: int) -> Received | Unreadable:
    return replace(record, place=PartitionOffset(partition, offset))


def names(*numbers: int) -> list[str]:
    return [str(named("incident", number)) for number in numbers]


async def count(world: World, table: str) -> int:
    found: int = await world.pool.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def test_a_proven_record_of_a_higher_generation_makes_its_partition_wait_and_no_other(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [await write(world, monkeypatch, number) for number in range(4)]
    newer = await write(world, monkeypatch, 9, AHEAD, incident_id={"member": "unknown"})
    assert isinstance(newer, Newer)
    handled = Handled()
    batch = [at(good[0], 3, 10), at(newer, 3, 11), at(good[1], 5, 70), at(good[2], 3, 12), at(good[3], 5, 71)]
    partitions = await work.run("incidents", TOPIC, batch, handled)
    assert partitions == {3: 11}
    assert handled.incidents == names(0, 1, 3)
    assert (await count(world, "parking"), await count(world, "inbox")) == (0, 3)
    assert [(one.partition, one.offset) for one in work.waiting.current()] == [(3, 11)]


async def test_a_partition_goes_on_from_the_record_that_it_waited_at(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = await write(world, monkeypatch, 1, AHEAD, incident_id=["unknown"])
    after = await write(world, monkeypatch, 2)
    handled = Handled()
    assert await work.run("incidents", TOPIC, [at(newer, 0, 5), at(after, 0, 6)], handled) == {0: 5}
    assert handled.incidents == []
    readable = await write(world, monkeypatch, 3)
    assert not await work.run("incidents", TOPIC, [at(readable, 0, 5), at(after, 0, 6)], handled)
    assert handled.incidents == names(3, 2)
    assert work.waiting.current() == []


async def test_a_forged_generation_is_parked_and_stops_nothing(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = await write(world, monkeypatch, 1, AHEAD, incident_id=["unknown"])
    assert isinstance(newer, Newer)
    forged = replace(newer, body=b'{"forged": true}')
    good = await write(world, monkeypatch, 2)
    handled = Handled()
    assert not await work.run("incidents", TOPIC, [at(forged, 0, 1), at(good, 0, 2)], handled)
    assert handled.incidents == names(2)
    assert await world.pool.fetchval("SELECT reason FROM parking") == UNPROVEN


async def test_a_proven_record_of_this_generation_that_is_invalid_is_parked(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    invalid = await write(world, monkeypatch, 1, GENERATION, incident_id=["unknown"])
    assert not isinstance(invalid, Newer)
    good = await write(world, monkeypatch, 2)
    handled = Handled()
    assert not await work.run("incidents", TOPIC, [at(invalid, 0, 1), at(good, 0, 2)], handled)
    assert handled.incidents == names(2)
    assert await count(world, "parking") == 1


async def test_a_record_with_an_unknown_field_is_handled_with_the_others(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        at(await write(world, monkeypatch, 1), 0, 1),
        at(await write(world, monkeypatch, 2, AHEAD, novelty={"a": 1}), 0, 2),
    ]
    handled = Handled()
    assert not await work.run("incidents", TOPIC, records, handled)
    assert handled.incidents == names(1, 2)


@pytest.mark.parametrize("type_", ["incident.covered.v2", "incident.foreseen.v1"])
async def test_a_type_that_only_a_newer_version_knows_waits(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch, type_: str
) -> None:
    newer = await write(world, monkeypatch, 1, AHEAD, type=type_)
    assert await work.run("incidents", TOPIC, [at(newer, 2, 8)], Handled()) == {2: 8}
    assert await count(world, "parking") == 0


async def test_on_incident_reports_a_higher_generation_is_always_parked(world: World, work: Batches) -> None:
    await world.send("1")
    row = await world.pool.fetchrow("SELECT * FROM journal")
    assert row is not None
    body = json.dumps(json.loads(row["body"]) | {"novelty": 1}).encode()
    pairs = [(name, b"9" if name == "ce_generation" else value) for name, value in unpack(row["headers"])]
    record = decode("incident.reports", row["key"], pairs, body)
    assert isinstance(record, Unreadable)
    assert not await work.run("reports", "incident.reports", [at(record, 0, 0)], Handled())
    assert await count(world, "parking") == 1


async def test_a_record_whose_incident_only_a_newer_version_can_read_waits(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [at(await write(world, monkeypatch, number), number % 2, number) for number in range(6)]
    handled = Handled()
    handled.fails_at[names(2)[0]] = NewerVersionError("plan 7f needs a newer version of Renfort")
    assert await work.run("incidents", TOPIC, records, handled) == {0: 2}
    assert sorted(handled.incidents) == sorted(names(0, 1, 3, 5))
    assert await count(world, "parking") == 0


async def test_a_partition_waits_at_the_earliest_of_its_records_that_only_a_newer_version_can_handle(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [at(await write(world, monkeypatch, number), 0, number) for number in range(4)]
    undecodable = at(await write(world, monkeypatch, 9, AHEAD, incident_id=["unknown"]), 0, 4)
    handled = Handled()
    handled.fails_at[names(1)[0]] = NewerVersionError("plan 7f needs a newer version of Renfort")
    assert await work.run("incidents", TOPIC, [*records, undecodable], handled) == {0: 1}
    assert handled.incidents == names(0)
    assert await count(world, "inbox") == 1


async def test_a_long_wait_is_logged_when_it_begins_and_once_a_minute(
    world: World, work: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = [at(await write(world, monkeypatch, 1, AHEAD, incident_id=["unknown"]), n, 5) for n in (0, 1)]
    with capture_logs() as logs:
        for _ in range(10):
            await work.run("incidents", TOPIC, newer, Handled())
        assert [line["partition"] for line in logs] == [0, 1]
        monkeypatch.setattr(waiting_partitions, "LOG_AGAIN_AFTER_S", 0.0)
        await work.run("incidents", TOPIC, newer[:1], Handled())
    assert [line["partition"] for line in logs] == [0, 1, 0]


async def test_a_report_that_sets_a_field_of_a_later_release_is_parked_with_its_name(world: World) -> None:
    row = await written_report(world)
    body = json.loads(row["body"]) | {"accuracy_m": 30, "source": "town-hall", "report_id": None}
    pairs = [(name, b"town-hall" if name == "ce_source" else value) for name, value in unpack(row["headers"])]
    record = decode("incident.reports", row["key"], pairs, json.dumps(body).encode())
    assert isinstance(record, Received)
    assert isinstance(record.data, ReportReceived)
    await world.deliver("incident.reports", [record])
    reason = await world.pool.fetchval("SELECT reason FROM parking")
    assert reason == "accuracy_m: this field is reserved for a later release"


async def written_report(world: World) -> asyncpg.Record:
    await world.send("1")
    row = await world.pool.fetchrow("SELECT * FROM journal WHERE topic = 'incident.reports'")
    assert row is not None
    return row
