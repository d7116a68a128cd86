"""A database lost with its machine and restored to a moment: work continues from there, nothing is done twice."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedPostgres
from dispatch.embedded.backup_folder import base_backups
from dispatch.embedded.backup_schedule import WAL_SETTINGS, BackupSchedule
from dispatch.embedded.recovery import restored
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.plans.plan_files import SHIPPED
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool
from tests.kafka.support.cluster import KafkaCluster
from tests.kafka.support.workers import LISTENERS, Station, Worker
from tests.kafka.test_recovery import EVERYBODY, MESSENGERS, covered
from tests.support.scene import Scene
from tests.support.site import until

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

WORK = EVERYBODY[1:]
OUT = """
    SELECT offers.id, incident_id FROM offers JOIN reports USING (incident_id)
    WHERE reports.id = $1 AND status = 'extended'
"""
COPIED = "SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"
REPLACED = """
    SELECT count(*) FILTER (WHERE id = ANY ($2) AND (status = 'expired' OR missed = 'unsent')) = cardinality($2)
           AND bool_or(extended_at > $3) FROM offers WHERE incident_id = $1
"""


@asynccontextmanager
async def backed_up(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Run a database as `dispatch up` does, with its WAL copied to a folder from before the first event on."""
    async with EmbeddedPostgres(folder / "data" / "postgres", fsync=False, settings=WAL_SETTINGS) as server:
        await migrate(server.url())
        backing = BackupSchedule(folder / "backups", folder / "data", server.url(), Clock())
        copying = asyncio.create_task(backing.run())
        try:
            yield server
        finally:
            copying.cancel()
            await asyncio.wait({copying})


@asynccontextmanager
async def again(lost: Station, dsn: str, bootstrap: str, **settings: str) -> AsyncIterator[Station]:
    """Continue the organisation on the restored database."""
    pool = await open_pool(dsn, application="tests")
    known = lost.scene
    services = {"DISPATCH_KAFKA": bootstrap, "DISPATCH_POSTGRES": dsn}
    scene = Scene(UnitOfWork(pool, Clock()), known.organisation, known.people)
    station = Station(scene, services | settings, Path(settings["DISPATCH_DATA"]))
    try:
        yield station
    finally:
        await asyncio.gather(*(worker.stop() for worker in station.workers if worker.runs))
        pool.terminate()


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """Shorten the time until offers expire."""
    folder = tmp_path / "again" / "plans"
    shutil.copytree(SHIPPED, folder)
    plan = folder / "cardiac-arrest.yaml"
    plan.write_text(plan.read_text("utf-8").replace("window_s: 60", "window_s: 15"), "utf-8")
    return folder


class Moment(NamedTuple):
    """The moment to restore: the reports known by then, and an incident with unanswered offers."""

    at: datetime
    accepted: list[UUID]
    incident: UUID
    offers: list[UUID]


async def live_to(station: Station, worker: Worker) -> Moment:
    """Create an incident that waits for answers and a published report that no consumer has read; return the moment."""

    async def asked() -> object:
        return await station.pool.fetch(OUT, waits)

    async def published_and_unread() -> object:
        waiting = await station.pool.fetchval("SELECT count(*) FROM outbox")
        return waiting == 0 and await station.unprocessed(*LISTENERS, *MESSENGERS) > 0

    waits = await station.report("asked, and not answered yet")
    await until(asked, 60)
    worker.freeze()
    await station.report("published, and not read yet")
    await until(published_and_unread, 60)
    offers = await station.pool.fetch(OUT, waits)
    at = await station.pool.fetchval("SELECT clock_timestamp()")
    return Moment(at, list(station.accepted), offers[0]["incident_id"], [row["id"] for row in offers])


async def test_work_continues_from_the_restored_moment_and_nothing_is_duplicated(
    blank: KafkaCluster, tmp_path: Path, plans: Path
) -> None:
    async def whole() -> bool:
        return bool(base_backups(tmp_path / "backups"))

    async def copied() -> object:
        return await station.pool.fetchval(COPIED)

    async def replaced() -> object:
        return await back.pool.fetchval(REPLACED, moment.incident, moment.offers, moment.at)

    brief = {"DISPATCH_PLANS": str(plans), "DISPATCH_DATA": str(plans.parent)}
    async with (
        backed_up(tmp_path) as server,
        Station.open(server.url(), blank.bootstrap, tmp_path, **brief) as station,
    ):
        relay, worker = station.work("relay"), station.work(*WORK)
        async with station.busy():
            await covered(station, 1)
            await until(whole, 60)
            await covered(station, 1)
        moment = await live_to(station, worker)
        worker.thaw()
        async with station.busy():
            await covered(station, 2)
        await until(copied, 60)
        for mortal in (relay, worker, server):
            mortal.kill()
    await asyncio.to_thread(blank.replace)
    shutil.rmtree(tmp_path / "data")
    (base,) = base_backups(tmp_path / "backups")
    async with (
        restored(base, tmp_path / "data", moment.at, moment.at, fsync=False) as server,
        again(station, server.url(), blank.bootstrap, **brief) as back,
    ):
        back.accepted = moment.accepted
        assert await back.pool.fetchval("SELECT count(*) FROM reports") == len(moment.accepted)
        back.work("relay")
        back.work(*WORK)
        await until(replaced, 90)
        async with back.busy():
            await covered(back, 1)
        await back.complete(*LISTENERS, *MESSENGERS)
        await back.is_sound()
