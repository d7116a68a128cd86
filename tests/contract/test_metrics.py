"""The Prometheus metrics on a real database: work in progress, work done, and no personal data."""

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


async def read_metrics(uow: UnitOfWork) -> dict[tuple[str, str], float]:
    """Return all samples by name and labels."""
    text = (await gauges.page(uow.pool, uow.clock.now())).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, ",".join(sample.labels.values())): sample.value for sample in samples}


async def test_running_incidents_and_waiting_work_are_measured(scene: Scene, clock: MovableClock) -> None:
    drill = await scene.incident(mode="exercise")
    ended = await scene.incident()
    await scene.act(ended.id, "close")
    clock.advance(300)
    found = await read_metrics(scene.uow)
    assert found["renfort_database_up", ""] == 1
    assert found["renfort_incidents_running", "drill"] == 1
    assert found["renfort_incidents_running", "urgent"] == 0
    assert found["renfort_outbox_events", ""] == await scene.uow.pool.fetchval("SELECT count(*) FROM outbox")
    assert found["renfort_outbox_oldest_seconds", ""] == 300
    due = await scene.uow.pool.fetch("SELECT due_at FROM agenda WHERE subject = $1", drill.id)
    late = [(clock.now() - row["due_at"]).total_seconds() for row in due if row["due_at"] <= clock.now()]
    assert found["renfort_agenda_overdue", ""] == len(late)
    assert found["renfort_agenda_lateness_seconds", ""] == max(late)


async def test_open_escalations_are_counted_by_level(scene: Scene) -> None:
    pool, incident = scene.uow.pool, await scene.incident()
    await scene.act(incident.id, "escalate")
    level = str(await pool.fetchval("SELECT level FROM escalations"))
    assert (await read_metrics(scene.uow))["renfort_escalations_open", level] == 1
    await scene.act(incident.id, "close")
    after = await read_metrics(scene.uow)
    assert [after["renfort_escalations_open", str(level)] for level in range(1, 6)] == [0] * 5


async def test_waiting_messages_are_counted_by_status(scene: Scene) -> None:
    await scene.uow.pool.execute(
        "INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, purpose, channel, severity,"
        " status, due_at, created_at) SELECT gen_random_uuid(), $1, 'actual', 'duty', gen_random_uuid(), 'x',"
        " 'sms', 0, status, $2, $2 FROM unnest(ARRAY['queued', 'queued', 'leased', 'sent']) AS s (status)",
        scene.organisation, scene.now,
    )  # fmt: skip
    found = await read_metrics(scene.uow)
    assert found["renfort_messages_waiting", "queued"] == 2
    assert found["renfort_messages_waiting", "leased"] == 1
    assert ("renfort_messages_waiting", "sent") not in found


async def test_events_and_batches_are_counted(pool: asyncpg.Pool, clock: MovableClock) -> None:
    world = await World(pool, clock).create()
    before = await read_metrics(world.uow)
    await world.open()
    after = await read_metrics(world.uow)

    def increase(name: str, label: str) -> float:
        return after[name, label] - before.get((name, label), 0)

    assert increase("renfort_batches_total", "reports,handled") == 1
    assert increase("renfort_events_total", "incident.opened.v2") == 1


async def test_labels_are_few_and_identify_no_person(scene: Scene) -> None:
    await scene.incident()
    text = (await gauges.page(scene.uow.pool, scene.now)).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {name for sample in samples for name in sample.labels} <= LABELS
    for secret in (str(scene.organisation), *map(str, scene.people), "SDIS", "+3363998"):
        assert secret not in text


async def test_without_a_database_the_process_still_reports_its_own_metrics(
    database: str, clock: MovableClock
) -> None:
    pool = await open_pool(database, application="tests")
    await pool.close()
    began = time.monotonic()
    found = await read_metrics(UnitOfWork(pool, clock))
    assert time.monotonic() - began < 1
    assert found["renfort_database_up", ""] == 0
    assert ("renfort_outbox_events", "") not in found
    assert any(name == "process_cpu_seconds_total" for name, _ in found)
