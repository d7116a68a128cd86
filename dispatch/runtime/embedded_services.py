"""The embedded services of a process: started, supervised, and restarted when they die."""

import asyncio
import pwd
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres
from dispatch.embedded.backup_schedule import WAL_SETTINGS, BackupSchedule
from dispatch.embedded.executables import account_for
from dispatch.runtime.kafka_connection import KafkaConnection
from dispatch.storage.pool import describe

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0

log = structlog.get_logger()


@dataclass(slots=True)
class Embedded:
    """The services that run under this process; None where the operator named an external one."""

    postgres: EmbeddedPostgres | None
    broker: EmbeddedBroker | None
    backups: BackupSchedule | None = None


def database_user(folder: Path) -> str:
    """Return the name of the user as whom the embedded database runs; raises EmbeddedServiceError without one."""
    uid = account_for(EmbeddedPostgres(folder / "postgres").files).uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@asynccontextmanager
async def embedded(
    folder: Path, *, postgres: bool, broker: bool, durable: bool = True, backup: Path | None = None
) -> AsyncIterator[Embedded]:
    """Start the wanted services and stop them cleanly; without `durable` data may be lost in a power cut."""
    log_settings = WAL_SETTINGS if backup else {}
    services = Embedded(
        EmbeddedPostgres(folder / "postgres", fsync=durable, settings=log_settings) if postgres else None,
        EmbeddedBroker(folder / "broker") if broker else None,
    )
    try:
        if services.postgres is not None:
            url = await services.postgres.start()
            services.backups = BackupSchedule(backup, folder, url, Clock()) if backup else None
        if services.broker is not None:
            await services.broker.start()
        yield services
    finally:
        if services.broker is not None:
            await services.broker.stop()
        if services.postgres is not None:
            await services.postgres.stop()


async def supervise(services: Embedded, kafka: KafkaConnection, stopping: asyncio.Event) -> None:
    """Restart services that die: the broker with the connection to it, the database alone."""
    async with asyncio.TaskGroup() as group:
        if services.broker is not None:
            group.create_task(_restart_broker(services.broker, kafka, stopping))
        if services.postgres is not None:
            group.create_task(_restart_postgres(services.postgres, stopping))
        if services.backups is not None:
            group.create_task(_retry("the backup", services.backups.run, stopping))


async def _restart_broker(broker: EmbeddedBroker, kafka: KafkaConnection, stopping: asyncio.Event) -> None:
    """Start a new broker; it is empty, so the relay publishes again what readers lack."""
    while not stopping.is_set():
        await broker.wait()
        if not stopping.is_set():
            log.warning("the embedded broker died; starting a new one")
            await _retry("the connection to the broker", kafka.stop, stopping)
            await _retry(broker.name, broker.start, stopping)
            kafka.start()


async def _restart_postgres(postgres: EmbeddedPostgres, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await postgres.wait()
        if not stopping.is_set():
            log.warning("the embedded database died; starting it again")
            await _retry(postgres.name, postgres.start, stopping)


async def _retry(what: str, work: Callable[[], Awaitable[object]], stopping: asyncio.Event) -> None:
    """Try until it succeeds: the failure of one service must not end the supervision of the others."""
    pause = FIRST_PAUSE_S
    while not stopping.is_set():
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the outermost loop of what it watches
            log.error("failed; trying again", what=what, error=describe(error), pause_s=pause)  # noqa: TRY400
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        else:
            return
