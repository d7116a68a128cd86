"""Services fail under running processes: nothing is lost or duplicated, and no process is restarted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from dispatch.embedded import EmbeddedPostgres
from dispatch.services.access import keys
from dispatch.storage.migrate import migrate
from tests.kafka.support.cluster import KafkaCluster, free_ports
from tests.kafka.support.workers import LISTENERS, SOURCE, Station
from tests.support.site import until

pytestmark = [pytest.mark.timeout(300)]

EVERYBODY = ("relay", "reports", "incidents", "replies", "notifications", "agenda")
MESSENGERS = ("offer-messages", "assignment-messages", "incident-messages", "escalation-messages")
END_ALL_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
COVERED = "SELECT count(*) FROM incidents WHERE covered_at IS NOT NULL"


async def covered(station: Station, count: int) -> None:
    """Wait until so many more incidents are covered."""
    before = await station.pool.fetchval(COVERED)

    async def enough() -> bool:
        return bool(await station.pool.fetchval(COVERED) >= before + count)

    await until(enough, 60)


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Run a server that a test can kill; its port stays the same."""
    async with EmbeddedPostgres(tmp_path / "postgres", fsync=False, port=free_ports(1)[0]) as server:
        await migrate(server.url())
        yield server


async def test_a_database_crash_under_load_loses_nothing(
    blank: KafkaCluster, fragile: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with Station.open(fragile.url(), blank.bootstrap, tmp_path) as station:
        worker = station.work(*EVERYBODY)
        async with station.busy():
            await covered(station, 2)
            await station.pool.execute(END_ALL_SESSIONS)
            await covered(station, 2)
            fragile.kill()
            await fragile.wait()
            await asyncio.sleep(1)
            await fragile.start()
            await covered(station, 2)
        await station.complete(*LISTENERS, *MESSENGERS)
        assert worker.runs
        await station.is_sound()


async def test_a_cluster_replaced_by_an_empty_one_gets_the_unread_events_again(
    station: Station, kafka: KafkaCluster
) -> None:
    async def published_and_unread() -> object:
        waiting = await station.pool.fetchval("SELECT count(*) FROM outbox")
        return waiting == 0 and await station.unprocessed(*LISTENERS) > 10

    relay, worker = station.work("relay"), station.work("reports", "incidents", "replies", "agenda")
    async with station.busy():
        await covered(station, 2)
        worker.freeze()
        await until(published_and_unread)
        await asyncio.to_thread(kafka.replace)
        worker.thaw()
        await covered(station, 2)
    await station.complete(*LISTENERS)
    assert relay.runs
    assert worker.runs
    await station.is_sound()


async def answers(api: aiohttp.ClientSession) -> bool:
    try:
        async with api.get("/healthz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def ready(api: aiohttp.ClientSession) -> bool:
    async with api.get("/readyz") as response:
        return response.status == 200


async def post(api: aiohttp.ClientSession, station: Station, name: str) -> None:
    """Submit a report over HTTP; it must be accepted."""
    body = {"id": name, "kind": "nuisance.noise", "occurred_at": station.uow.clock.now().isoformat()}
    async with api.post("/v1/reports", json=body) as response:
        assert response.status == 202
        station.accepted.append(UUID((await response.json())["report_id"]))


async def test_reports_are_accepted_while_kafka_is_unavailable_and_published_later(
    station: Station, kafka: KafkaCluster
) -> None:
    async def opened() -> object:
        return await station.pool.fetchval("SELECT count(*) FROM incidents") == len(station.accepted)

    port = free_ports(1)[0]
    key = await keys.create(
        station.uow, organisation=station.scene.organisation, scopes=["reports:write"], holder=SOURCE
    )
    kafka.kill()
    try:
        worker = station.work("api", "relay", "reports", DISPATCH_HTTP=f"127.0.0.1:{port}")
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}
        ) as api:
            await until(lambda: answers(api))
            await post(api, station, "1")
            assert not await ready(api)
            await asyncio.to_thread(kafka.restart)
            await until(opened, 60)
            await until(lambda: ready(api))
    finally:
        kafka.start()
    assert worker.runs
    await station.is_sound()


@pytest.mark.slow
async def test_work_continues_when_one_of_three_brokers_is_killed(
    three: KafkaCluster, database: str, tmp_path: Path
) -> None:
    copies = {"DISPATCH_REPLICATION": "3", "DISPATCH_MIN_INSYNC": "2"}
    async with Station.open(database, three.bootstrap, tmp_path, **copies) as station:
        worker = station.work(*EVERYBODY)
        async with station.busy():
            await covered(station, 2)
            three.kill(1)
            await covered(station, 5)
        await station.complete(*LISTENERS, *MESSENGERS)
        assert worker.runs
        await station.is_sound()
