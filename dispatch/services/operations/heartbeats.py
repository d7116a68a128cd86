"""The table of processes: each process records its roles and, every few seconds, that it is alive."""

import asyncio
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.core.error_classification import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.waiting_partitions import WaitingPartitions
from dispatch.storage.pool import UNREACHABLE, describe
from dispatch.storage.queries import bound, sql
from schemas.generations import GENERATION
from schemas.ids import new_id

EVERY_S = 5.0
END_PATIENCE_S = 2.0
GONE_AFTER = timedelta(seconds=30)
"""A process that was not seen for so long, six heartbeats, is gone."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was last seen; times are on the database's clock."""

    id: UUID
    host: str
    pid: int
    roles: list[str]
    version: str
    generation: int
    started_at: datetime
    seen_at: datetime
    waiting: list[str] = field(default_factory=list)

    def is_gone(self, now: datetime) -> bool:
        """Return whether the process was killed, hangs, or has lost the database."""
        return now - self.seen_at > GONE_AFTER


class Heartbeat:
    """The heartbeat of this process."""

    def __init__(
        self, uow: UnitOfWork, roles: Iterable[str], waiting: WaitingPartitions | None = None
    ) -> None:
        """Take the roles of this process, and its waiting partitions; its id is new, since a pid is used again."""
        self.id = new_id()
        self._uow = uow
        self._roles = sorted(roles)
        self._waiting = waiting or WaitingPartitions()
        # Read once: an upgrade may replace the installed package while this process still runs.
        self._version = version("renfort")
        self._started_at: datetime | None = None

    async def run(self) -> None:
        """Record a heartbeat every few seconds; transient errors are logged, and the next one is tried."""
        while True:
            try:
                await self.beat()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the heartbeat could not be recorded", error=describe(error))
            await asyncio.sleep(EVERY_S)

    async def beat(self) -> None:
        """Record that this process is alive now."""
        now = self._uow.clock.now()
        self._started_at = self._started_at or now
        row = bound(
            "record_heartbeat", id=self.id, host=socket.gethostname(), pid=os.getpid(), roles=self._roles,
            version=self._version, generation=GENERATION, started_at=self._started_at, seen_at=now,
            waiting=[one.described for one in self._waiting.current()],
        )  # fmt: skip
        await self._uow.pool.execute(*row)

    async def is_alone(self) -> bool:
        """Return whether no other process with a heartbeat is alive."""
        alive_at = self._uow.clock.now() - GONE_AFTER
        return not await self._uow.pool.fetchval(sql("other_processes"), self.id, alive_at)

    async def end(self) -> None:
        """Delete the row of this process; without a database the row stays, and the process is reported as gone."""
        with suppress(*UNREACHABLE, asyncpg.InterfaceError):
            async with asyncio.timeout(END_PATIENCE_S):
                await self._uow.pool.execute(sql("delete_process"), self.id)


async def processes(pool: asyncpg.Pool) -> list[Process]:
    """List the processes that did not stop cleanly, the earliest started first."""
    return [Process(**dict(row)) for row in await pool.fetch(sql("list_processes"))]
