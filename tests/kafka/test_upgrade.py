"""Upgrade and rollback without stopping: a process of the previous release works beside one of this."""

import asyncio
import csv
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path

import asyncpg
import pytest

from dispatch.embedded import EmbeddedPostgres
from dispatch.storage import write_generation
from dispatch.storage.migrate import migrate
from schemas.generations import GENERATION, OLDEST
from schemas.volunteers import VolunteerBody
from tests.conftest import administer
from tests.kafka.support.cluster import KafkaCluster
from tests.kafka.support.workers import LISTENERS, ROLES, Station, Worker
from tests.support.scene import Scene
from tests.support.site import until

ROOT = Path(__file__).parents[2]
PREVIOUS = ("v0.1.0", "fa54d1e34824")
"""The previous release: its tag, and its commit for a clone without tags."""
BUSY_S = 2
"""How long reports come in at once: volunteers stay assigned, and there are some hundred seats for them."""
COMMAND = "from dispatch.cli.main import main; main()"
NEW_TYPES = "SELECT count(*) FROM journal WHERE type LIKE '%.v2'"
COLUMNS = ("name", "phone", "skills", "lat", "lon", "birth_date", "consent")
READ_BY_OLD = "SELECT count(*) FROM inbox WHERE consumer = 'incidents'"
OPENED_BY_TYPE = "SELECT type, count(*) FROM journal WHERE type LIKE 'incident.opened.%' GROUP BY type"

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the package as it was at the previous release, or say why the test cannot run."""
    folder = tmp_path_factory.mktemp("previous")
    for name in PREVIOUS:
        packed = subprocess.run(["git", "archive", name], cwd=ROOT, capture_output=True, check=False)
        if packed.returncode == 0:
            with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
            return folder
    pytest.skip(f"this checkout has no history: the previous release, {PREVIOUS[0]}, cannot be unpacked")


@pytest.fixture
async def blank_database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Make a database without any table."""
    await administer(postgres, "CREATE DATABASE upgraded")
    yield postgres.url("upgraded")
    await administer(postgres, "DROP DATABASE upgraded WITH (FORCE)")


@pytest.fixture
async def station(
    blank: KafkaCluster, previous: Path, blank_database: str, tmp_path: Path
) -> AsyncIterator[Station]:
    """Found an organisation on a database that the previous release has migrated."""
    environment = {"DISPATCH_POSTGRES": blank_database, "PYTHONPATH": str(previous)}

    async def run(*words: str) -> None:
        command = [sys.executable, "-c", COMMAND, *words]
        await asyncio.to_thread(
            subprocess.run, command, env=environment, cwd=tmp_path, check=True, capture_output=True
        )

    async def enrol(_scene: Scene, bodies: Sequence[VolunteerBody]) -> None:
        await run("volunteers", "import", str(roster(tmp_path / "roster.csv", bodies)))

    await run("migrate")
    before = write_generation.current
    write_generation.limit(OLDEST)
    async with Station.open(blank_database, blank.bootstrap, tmp_path, enrol) as station:
        yield station
    write_generation.current = before


def roster(file: Path, bodies: Sequence[VolunteerBody]) -> Path:
    """Write a roster as the previous release reads it; return the file."""
    with file.open("w", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(COLUMNS)
        for body in bodies:
            place = (body.position.lat, body.position.lon)
            writer.writerow(
                (
                    body.name,
                    body.phone,
                    " ".join(map(str, body.skills)),
                    *place,
                    body.birth_date,
                    " ".join(body.consent),
                )
            )
    return file


def old_worker(station: Station, previous: Path, *roles: str) -> Worker:
    return station.work(*roles, PYTHONPATH=str(previous))


async def is_covered(station: Station, number: int) -> None:
    """Send a report, answer the offers, and wait until the running processes have completed all of it."""
    await station.report(f"call {number}")
    await station.complete(*LISTENERS)


async def count(pool: asyncpg.Pool, query: str) -> int:
    found: int = await pool.fetchval(query)
    return found


async def opened_by_type(pool: asyncpg.Pool) -> dict[str, int]:
    return {row["type"]: row["count"] for row in await pool.fetch(OPENED_BY_TYPE)}


async def test_a_process_is_upgraded_and_rolled_back_while_reports_are_handled(
    station: Station, previous: Path, blank_database: str
) -> None:
    old = old_worker(station, previous, *ROLES)
    for number in range(3):
        await station.report(f"call {number}")

    async def asked() -> bool:
        return await count(station.pool, "SELECT count(DISTINCT incident_id) FROM offers") == 3

    await until(asked, 60)

    assert "0019_generation_two.sql" in await migrate(blank_database)
    await is_covered(station, 10)
    new = station.work(*ROLES)
    async with station.busy():
        await asyncio.sleep(BUSY_S)
    await station.complete(*LISTENERS)
    assert await count(station.pool, NEW_TYPES) == 0, "beside the previous release nothing new is written"

    await old.stop()
    write_generation.limit(GENERATION)

    async def newer() -> bool:
        await asyncio.sleep(BUSY_S)
        await is_covered(station, len(station.accepted) + 100)
        return "incident.opened.v2" in await opened_by_type(station.pool)

    await until(newer, 90)

    # Back again, as the manual says: write for the previous release first, then put it back.
    write_generation.limit(OLDEST)
    await new.stop()
    new = station.work(*ROLES, DISPATCH_WRITE_GENERATION=str(OLDEST))
    await is_covered(station, len(station.accepted) + 100)
    old = old_worker(station, previous, *ROLES)
    async with station.busy():
        await asyncio.sleep(BUSY_S)
    await station.complete(*LISTENERS)
    await new.stop()
    await is_covered(station, len(station.accepted) + 100)
    await old.stop()
    await station.is_sound()
    assert await count(station.pool, "SELECT count(*) FROM parking") == 0


async def test_what_the_previous_release_cannot_read_waits_until_its_process_is_replaced(
    station: Station, previous: Path, blank_database: str
) -> None:
    await migrate(blank_database)
    old = old_worker(station, previous, "incidents")
    station.work("relay", "reports", "replies", DISPATCH_WRITE_GENERATION=str(GENERATION))
    await station.report("call 1")

    async def opened() -> bool:
        return await opened_by_type(station.pool) == {"incident.opened.v2": 1}

    await until(opened, 60)

    async def waits() -> bool:
        return b"upgrade it" in station.logs()

    await until(waits, 60)
    assert await count(station.pool, READ_BY_OLD) == 0
    assert await count(station.pool, "SELECT count(*) FROM parking") == 0
    await old.stop()
    station.work("incidents")
    await station.complete(*LISTENERS)
    await station.is_sound()
