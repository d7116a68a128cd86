"""Child processes that the kernel ends together with this process."""

import asyncio
import os
import signal
import sys
import threading
from abc import ABC, abstractmethod
from asyncio.subprocess import Process
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Self

from dispatch.embedded.executables import EmbeddedServiceError, OsAccount

EXEC_WRAPPER = Path(__file__).with_name("exec_wrapper.py")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "RUST_LOG": "warn"}
MAX_LOG_BYTES = 10_000_000


class EmbeddedService(ABC):
    """One child process, which can be started, stopped, killed and awaited repeatedly."""

    name: str

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process; None where none runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @abstractmethod
    async def start(self) -> str:
        """Start the service, or restart it; return its address once it answers."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop the service in order; does nothing where it does not run."""

    def kill(self) -> None:
        """Send SIGKILL, as a crash would, and return at once."""
        self._send(signal.SIGKILL)

    async def wait(self) -> int | None:
        """Wait until the process ends; return its exit code, or None where none was started."""
        return None if self._process is None else await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def _start_error(self) -> EmbeddedServiceError:
        lines = self.log.read_text(errors="replace").splitlines()[-5:]
        return EmbeddedServiceError("\n".join([f"{self.name} ended at start; {self.log} ends with:", *lines]))


async def spawn(
    command: list[str], *, account: OsAccount, folder: Path, log: Path, death_signal: signal.Signals
) -> Process:
    """Start a program in a folder; the kernel sends it the signal when this process ends for any reason."""
    if threading.current_thread() is not threading.main_thread():
        # The kernel sends the signal when the *thread* that forked ends.
        raise EmbeddedServiceError("embedded services must be started from the main thread")
    binding = [os.getpid(), int(death_signal), account.uid, account.gid]
    _rotate(log)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *[sys.executable, "-I", "-S", str(EXEC_WRAPPER), *map(str, binding), *command],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # only the parent handles Ctrl-C, and stops its services in order
        )


async def finish_within(seconds: float, what: str, work: Coroutine[object, object, None]) -> None:
    """Await some work; raises EmbeddedServiceError, which names the work, after so many seconds."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise EmbeddedServiceError(f"{what} took longer than {seconds:g} s") from None


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
