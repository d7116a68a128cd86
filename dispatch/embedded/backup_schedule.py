"""The embedded database's backups while it runs: its log all the time, the whole once a day."""

import asyncio
from datetime import timedelta
from pathlib import Path

import structlog

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedServiceError
from dispatch.embedded.backup_folder import SECRET, Base, bases, life_of, prune, take
from dispatch.embedded.wal_receiver import WalReceiver
from dispatch.storage.pool import describe

EVERY = timedelta(days=1)
LOOK_EVERY_S = 60.0
RETRY_S = 5.0
KEEP_LOG = {"wal_keep_size": "1GB"}
"""How much the database keeps for a folder that is away for a while."""

FAILURES = (OSError, EmbeddedServiceError, ValueError)

log = structlog.get_logger()


class Backing:
    """Copies a database into a folder for as long as it runs; what fails is logged and tried again for ever."""

    def __init__(self, folder: Path, data: Path, url: str, clock: Clock) -> None:
        """Take where to copy to, the data folder, and the address of the database in it."""
        self._folder = folder
        self._secret = data / SECRET
        self._files = data.absolute() / "postgres" / "postgres"
        self._url = url
        self._clock = clock

    async def run(self) -> None:
        """Copy until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._copy_log())
            group.create_task(self._copy_daily())

    async def take(self) -> Base:
        """Copy the whole now, and delete the copies that are too many."""
        life = life_of(self._files, self._clock.now())
        base = await take(self._folder, life, self._url, self._secret, self._clock)
        await asyncio.to_thread(prune, self._folder)
        return base

    async def _copy_log(self) -> None:
        life = life_of(self._files, self._clock.now())
        receiver = WalReceiver(self._folder / life, self._url)
        try:
            while True:
                try:
                    await receiver.start()
                    await receiver.wait()
                    log.error("the log is not copied; trying again", see=str(receiver.log))
                except FAILURES as error:
                    log.error("the log is not copied; trying again", error=describe(error))  # noqa: TRY400
                await asyncio.sleep(RETRY_S)
        finally:
            await receiver.stop()

    async def _copy_daily(self) -> None:
        while True:
            try:
                if self._is_due():
                    base = await self.take()
                    log.info("backed up", folder=str(base.folder))
            except FAILURES as error:
                log.error("there is no backup of today; trying again", error=describe(error))  # noqa: TRY400
            await asyncio.sleep(LOOK_EVERY_S)

    def _is_due(self) -> bool:
        now = self._clock.now()
        life = life_of(self._files, now)
        mine = [base for base in bases(self._folder) if base.life == life]
        return not mine or now - mine[-1].ended_at >= EVERY
