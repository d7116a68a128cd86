"""Running a node to its end, with embedded services that are started again when they die."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from dispatch.clock import Clock
from dispatch.config import MisuseError
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres
from dispatch.embedded.backup_schedule import WAL_SETTINGS, BackupSchedule
from dispatch.runtime.node import Node
from dispatch.storage.pool import describe

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0

log = structlog.get_logger()


@dataclass(slots=True)
class Embedded:
    """The services that run under this process; none where the operator named one."""

    postgres: EmbeddedPostgres | None
    broker: EmbeddedBroker | None
    backups: BackupSchedule | None = None


@asynccontextmanager
async def embedded(
    folder: Path, *, postgres: bool, broker: bool, durable: bool = True, backup: Path | None = None
) -> AsyncIterator[Embedded]:
    """Start what is wanted and stop it cleanly; what is not durable survives no power cut."""
    kept = WAL_SETTINGS if backup else {}
    services = Embedded(
        EmbeddedPostgres(folder / "postgres", fsync=durable, settings=kept) if postgres else None,
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


async def watch_over(services: Embedded, node: Node, stopping: asyncio.Event) -> None:
    """Start again what dies: the broker with the line to it, the database alone."""
    async with asyncio.TaskGroup() as group:
        if services.broker is not None:
            group.create_task(_revive_broker(services.broker, node, stopping))
        if services.postgres is not None:
            group.create_task(_revive_postgres(services.postgres, stopping))
        if services.backups is not None:
            group.create_task(_insist("the backing up", services.backups.run, stopping))


async def _revive_broker(broker: EmbeddedBroker, node: Node, stopping: asyncio.Event) -> None:
    """Start a new broker; it remembers nothing, so the relay brings back what nobody has read."""
    while not stopping.is_set():
        await broker.wait()
        if not stopping.is_set():
            log.warning("the embedded broker died; starting a new one")
            await _insist("the line to the broker", node.line.stop, stopping)
            await _insist(broker.name, broker.start, stopping)
            node.line.start()


async def _revive_postgres(postgres: EmbeddedPostgres, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await postgres.wait()
        if not stopping.is_set():
            log.warning("the embedded database died; starting it again")
            await _insist(postgres.name, postgres.start, stopping)


async def _insist(what: str, work: Callable[[], Awaitable[object]], stopping: asyncio.Event) -> None:
    """Try until it succeeds: one service that fails must never end the care for the others."""
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


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Let Ctrl-C and SIGTERM stop the process in its own order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)


def require_free(host: str, port: int) -> None:
    """Raise MisuseError where something else listens already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            msg = f"{host}:{port} cannot be listened on ({error.strerror}): set DISPATCH_HTTP to another address"
            raise MisuseError(msg) from error


async def until_stopped(node: Node, services: Embedded, stopping: asyncio.Event) -> None:
    """Keep a started node and its services running until told to stop."""
    care = asyncio.create_task(watch_over(services, node, stopping))
    try:
        await stopping.wait()
    finally:
        stopping.set()
        await node.stop()
        care.cancel()
        with suppress(asyncio.CancelledError):
            await care
