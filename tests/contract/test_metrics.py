"""What Prometheus reads, on a real database: what waits, what was done, and nothing about anybody."""

import time

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dispatch.clock import MovableClock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import gauges
from dispatch.storage.pool import open_pool
from tests.support.scene import Scene
from tests.support.world import World

LABELS = {"method", "route", "status", "consumer", "outcome", "type", "level", "lane", "le", "generation"} | {
    "table", "implementation", "major", "minor", "patchlevel", "version"
}  # fmt: skip


@pytest.fixture
async def scene(pool: asyncpg.Pool, clock: MovableClock) -> Scene:
    return await Scene.open(UnitOfWork(pool, clock))


async def measured(uow: UnitOfWork) -> dict[tuple[str, str], float]:
    """Read all numbers by name and label."""
    text = (await gauges.page(uow.pool, uow.clock.now())).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, ",".join(sample.labels.values())): sample.value for sample in samples}


async def test_what_runs_and_what_waits_is_told(scene: Scene, clock: MovableClock) -> None:
    drill = await scene.incident(mode="exercise")
    ended = await scene.incident()
    await scene.act(ended.id, "close")
    clock.advance(300)
    found = await measured(scene.uow)
    assert found["renfort_database_up", ""] == 1
    assert found["renfort_incidents_running", "drill"] == 1
    assert found["renfort_incidents_running", "urgent"] == 0
    assert found["renfort_outbox_events", ""] == await scene.uow.pool.fetchval("SELECT count(*) FROM outbox")
    assert found["renfort_outbox_oldest_seconds", ""] == 300
    due = await scene.uow.pool.fetch("SELECT due_at FROM agenda WHERE subject = $1", drill.id)
    late = [(clock.now() - row["due_at"]).total_seconds() for row in due if row["due_at"] <= clock.now()]
    assert found["renfort_agenda_overdue", ""] == len(late)
    assert found["renfort_agenda_lateness_seconds", ""] == max(late)


async def test_escalations_are_told_by_level_while_they_are_open(scene: Scene) -> None:
    pool, incident = scene.uow.pool, await scene.incident()
    await scene.act(incident.id, "escalate")
    level = str(await pool.fetchval("SELECT level FROM escalations"))
    assert (await measured(scene.uow))["renfort_escalations_open", level] == 1
    await scene.act(incident.id, "close")
    after = await measured(scene.uow)
    assert [after["renfort_escalations_open", str(level)] for level in range(1, 6)] == [0] * 5


async def test_messages_that_wait_are_told_by_status(scene: Scene) -> None:
    await scene.uow.pool.execute(
        "INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, purpose, channel, severity,"
        " status, due_at, created_at) SELECT gen_random_uuid(), $1, 'actual', 'duty', gen_random_uuid(), 'x',"
        " 'sms', 0, status, $2, $2 FROM unnest(ARRAY['queued', 'queued', 'leased', 'sent']) AS s (status)",
        scene.organisation, scene.now,
    )  # fmt: skip
    found = await measured(scene.uow)
    assert found["renfort_messages_waiting", "queued"] == 2
    assert found["renfort_messages_waiting", "leased"] == 1
    assert ("renfort_messages_waiting", "sent") not in found


async def test_events_and_batches_are_counted(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await World(pool, clock).create()
    before = await measured(world.uow)
    await world.open()
    after = await measured(world.uow)

    def more(name: str, label: str) -> float:
        return after[name, label] - before.get((name, label), 0)

    assert more("renfort_batches_total", "reports,handled") == 1
    assert more("renfort_events_total", "incident.opened.v1") == 1


async def test_labels_are_few_and_name_nobody(scene: Scene) -> None:
    await scene.incident()
    text = (await gauges.page(scene.uow.pool, scene.now)).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {name for sample in samples for name in sample.labels} <= LABELS
    for secret in (str(scene.organisation), *map(str, scene.people), "SDIS", "+3363998"):
        assert secret not in text


async def test_without_a_database_the_process_still_tells_of_itself(
    database: str, clock: MovableClock
) -> None:
    pool = await open_pool(database, application="tests")
    await pool.close()
    began = time.monotonic()
    found = await measured(UnitOfWork(pool, clock))
    assert time.monotonic() - began < 1
    assert found["renfort_database_up", ""] == 0
    assert ("renfort_outbox_events", "") not in found
    assert any(name == "process_cpu_seconds_total" for name, _ in found)
