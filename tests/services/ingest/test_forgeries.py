"""A topic proves nothing: whatever a stranger writes on it has no effect, and the real events beside it have theirs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.incidents.parking_alerts import raise_parking_alerts, resolve_parking_alerts
from dispatch.services.ingest import parking_limit
from dispatch.services.ingest.batches import Batches
from dispatch.services.ingest.provenance import FOREIGN, UNPROVEN
from dispatch.services.intake.opening import Intake
from dispatch.services.operations.parking_actions import discard, retry
from dispatch.services.subscriptions import READERS, SUBSCRIPTIONS, handlers_of
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from schemas.decoding import Received
from schemas.envelope import pack
from schemas.ids import named
from schemas.topics import BY_NAME, TOPICS
from tests.contract.examples import example
from tests.support.forgery import Raw, forgeries, real_records, state
from tests.support.world import World

CONSUMED = sorted({topic for topic, _ in READERS})


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


class Collected:
    """A handler that records what reaches it."""

    def __init__(self) -> None:
        self.records: list[Received] = []

    async def __call__(
        self, _connection: asyncpg.Connection, records: Sequence[Received], _now: datetime
    ) -> None:
        self.records += records


async def write_one_of_each_type(world: World) -> list[Raw]:
    """Write an event of every type to the journal, and return them as they are on their topics."""
    entries = []
    for topic in TOPICS:
        for model in topic.models:
            stream = named("stream", model.type)
            entries.append(
                Entry(stream, example(model), world.organisation, "actual", str(stream), world.now, world.now)
            )
    async with transaction(world.pool) as connection:
        await append(connection, entries, world.now)
    return await real_records(world.pool, BY_NAME)


async def alerts(pool: asyncpg.Pool) -> list[tuple[str, bool]]:
    """Return the reasons of the open escalations, and whether they page."""
    rows = await pool.fetch("SELECT reason, page FROM escalations WHERE status = 'raised'")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(("topic", "consumer"), READERS, ids=lambda name: name)
async def test_no_consumer_handles_a_forged_record_of_any_type_and_each_handles_the_real_ones_beside_them(
    world: World, monkeypatch: pytest.MonkeyPatch, topic: str, consumer: str
) -> None:
    monkeypatch.setattr(parking_limit, "LIMITS", dict.fromkeys(parking_limit.LIMITS, 10_000))
    written = await write_one_of_each_type(world)
    real = [one for one in written if one.topic == topic]
    forged = [*forgeries(topic, real[0], [one for one in written if one.topic != topic])]
    batch = [*forged[::2], *real, *forged[1::2]]
    handled = Collected()
    batches = Batches(world.pool, world.clock, lambda: None)
    records = [one.decoded() for one in batch]
    assert not await batches.run(consumer, topic, records, handled, on_parked=raise_parking_alerts)
    assert sorted(record.body or b"" for record in handled.records) == sorted(one.body or b"" for one in real)
    rows = await world.pool.fetch("SELECT headers, body, reason FROM parking")
    parked = {(row["headers"], row["body"]) for row in rows}
    assert [one.what for one in forged if (pack(one.pairs), one.body) not in parked] == []
    assert {row["reason"] for row in rows} <= {FOREIGN, UNPROVEN}
    assert await alerts(world.pool) == [("forged", True)]


@pytest.mark.parametrize("topic", CONSUMED)
async def test_what_is_forged_changes_no_state_and_uses_no_event_id(world: World, topic: str) -> None:
    await live(world)
    written = await real_records(world.pool, BY_NAME)
    elsewhere = [one for one in written if one.topic != topic]
    real = next((one for one in written if one.topic == topic), elsewhere[0])
    before = await state(world.pool)
    handlers = handlers_of(Intake(world.book))
    for consumer in [one.consumer for one in SUBSCRIPTIONS if one.topic == topic]:
        records = [one.decoded() for one in forgeries(topic, real, elsewhere)]
        batches = Batches(world.pool, world.clock, lambda: None)
        await batches.run(consumer, topic, records, handlers[consumer, topic], on_parked=raise_parking_alerts)
    assert await state(world.pool) == before
    assert await world.pool.fetchval("SELECT count(*) FROM parking") > 0


async def live(world: World) -> UUID:
    """Let an incident have people on their way, others who are asked, and answers that wait."""
    people = await world.add_people(12)
    incident = await world.ask()
    await world.answer(incident, people[0], "accepted", "en_route")
    await world.reply(incident, people[1], "accepted")
    await world.consume("incident.events")
    return incident


async def test_a_flood_is_parked_up_to_a_limit_told_once_and_delays_no_real_event(world: World) -> None:
    incident = await live(world)
    (real, *_) = await real_records(world.pool, ["volunteer.replies"])
    flood = [
        Raw("", real.topic, real.key, [*real.pairs, ("n", b"%d" % number)], real.body)
        for number in range(500)
    ]
    for start in range(0, len(flood), 100):
        await world.deliver(real.topic, [one.decoded() for one in flood[start : start + 100]])
    await world.consume("volunteer.replies")
    assert len((await world.read(incident)).assignments) == 2
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == parking_limit.MOST_FORGED
    assert ("forged", True) in await alerts(world.pool)


async def test_what_is_resolved_makes_room_for_the_next_forgeries(world: World) -> None:
    (real, *_) = await write_one_of_each_type(world)

    async def deliver(*numbers: int) -> int:
        forged = [Raw("", "incident.events", real.key, [("n", b"%d" % n)], real.body) for n in numbers]
        await world.deliver("incident.events", [one.decoded() for one in forged])
        open_ = "SELECT count(*) FROM parking WHERE settled_at IS NULL"
        return int(await world.pool.fetchval(open_))

    assert await deliver(*range(25)) == parking_limit.MOST_FORGED
    await world.pool.execute("UPDATE parking SET settled_at = parked_at")
    assert await deliver(30) == 1


async def test_a_forgery_on_any_topic_is_refused_again_when_it_is_retried(world: World) -> None:
    incident = await live(world)
    (real, *_) = await real_records(world.pool, ["volunteer.replies"])
    forged = Raw("", real.topic, real.key, real.pairs, (real.body or b"") + b" ")
    await world.deliver(real.topic, [forged.decoded()])
    id_ = await world.pool.fetchval("SELECT id FROM parking")
    outcome = await retry(world.uow, handlers_of(Intake(world.book)), id_, "Ada")
    assert (outcome.what, outcome.detail) == ("refused", UNPROVEN)
    assert len((await world.read(incident)).assignments) == 1


async def test_a_real_event_that_is_replayed_has_its_effect_once(world: World) -> None:
    incident = await live(world)
    real = [one.decoded() for one in await real_records(world.pool, ["volunteer.replies"])]
    for _ in range(3):
        await world.deliver("volunteer.replies", real * 2)
    assert len((await world.read(incident)).assignments) == 2
    assert await world.pool.fetchval("SELECT count(*) FROM parking") == 0


async def test_every_organisation_is_told_whichever_a_forgery_names_until_all_of_them_are_discarded(
    world: World,
) -> None:
    other = named("organisation", "SDIS 68")
    await world.pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'SDIS 68', $2)", other, world.now
    )
    written = await write_one_of_each_type(world)
    for topic in ("incident.events", "dispatch.assignments"):
        real = next(one for one in written if one.topic == topic)
        await world.deliver(topic, [replace(real, key=b"another").decoded()])
    told = "SELECT organisation FROM escalations WHERE reason = 'forged' AND status = 'raised'"
    assert {row[0] for row in await world.pool.fetch(told)} == {world.organisation, other}
    for row in await world.pool.fetch("SELECT id FROM parking"):
        assert len(await world.pool.fetch(told)) == 2
        await discard(world.uow, row["id"], "Ada", "an attack")
        await resolve_parking_alerts(world.uow, "Ada")
    assert await world.pool.fetch(told) == []
