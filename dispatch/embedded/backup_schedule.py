"""The backups of the running embedded database: its WAL continuously, a base backup once a day."""

import asyncio
from datetime import timedelta
from pathlib import Path

import structlog

from dispatch.clock import Clock
from dispatch.embedded import EmbeddedServiceError
from dispatch.embedded.backup_folder import SECRET, BaseBackup, base_backups, life_of, prune, take_base_backup
from dispatch.embedded.wal_receiver import WalReceiver
from dispatch.storage.pool import describe

EVERY = timedelta(days=1)
CHECK_EVERY_S = 60.0
RETRY_S = 5.0
WAL_SETTINGS = {"wal_keep_size": "1GB"}
"""How much WAL the database retains while the folder of backups is unavailable."""

FAILURES = (OSError, EmbeddedServiceError, ValueError)

log = structlog.get_logger()


class BackupSchedule:
    """Copies a database into a folder while it runs; what fails is logged and tried again for ever."""

    def __init__(self, folder: Path, data: Path, url: str, clock: Clock) -> None:
        """Copy to `folder` the database at `url`, whose files and secret are in `data`."""
        self._folder = folder
        self._secret = data / SECRET
        self._files = data.absolute() / "postgres" / "postgres"
        self._url = url
        self._clock = clock

    async def run(self) -> None:
        """Copy until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._copy_wal())
            group.create_task(self._copy_daily())

    async def back_up_now(self) -> BaseBackup:
        """Take a base backup now, and prune the folder."""
        life = life_of(self._files, self._clock.now())
        base = await take_base_backup(self._folder, life, self._url, self._secret, self._clock)
        await asyncio.to_thread(prune, self._folder)
        return base

    async def _copy_wal(self) -> None:
        life = life_of(self._files, self._clock.now())
        receiver = WalReceiver(self._folder / life, self._url)
        try:
            while True:
                try:
                    await receiver.start()
                    await receiver.wait()
                    log.error("the WAL is not copied; trying again", see=str(receiver.log))
                except FAILURES as error:
                    log.error("the WAL is not copied; trying again", error=describe(error))  # noqa: TRY400
                await asyncio.sleep(RETRY_S)
        finally:
            await receiver.stop()

    async def _copy_daily(self) -> None:
        while True:
            try:
                if self._is_due():
                    base = await self.back_up_now()
                    log.info("backed up", folder=str(base.folder))
            except FAILURES as error:
                log.error("the base backup of today failed; trying again", error=describe(error))  # noqa: TRY400
            await asyncio.sleep(CHECK_EVERY_S)

    def _is_due(self) -> bool:
        now = self._clock.now()
        life = life_of(self._files, now)
        own = [base for base in base_backups(self._folder) if base.life == life]
        return not own or now - own[-1].ended_at >= EVERY
