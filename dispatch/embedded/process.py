"""Child processes that never outlive their owner."""

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

from dispatch.embedded.programs import Account, EmbeddedServiceError

LAUNCHER = Path(__file__).with_name("launcher.py")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "RUST_LOG": "warn"}
LARGEST_LOG = 10_000_000


class Service(ABC):
    """One child process that can be started, stopped, killed and waited for, again and again."""

    name: str

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now, if any."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @abstractmethod
    async def start(self) -> str:
        """Start the service, again if it runs; return its address when it answers."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop the service in its own good way; nothing happens when it does not run."""

    def kill(self) -> None:
        """Send SIGKILL, as a crash would, and return at once."""
        self._send(signal.SIGKILL)

    async def wait(self) -> int | None:
        """Return the exit code when the process has ended; None if there never was one."""
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

    def _failure(self) -> EmbeddedServiceError:
        words = self.log.read_text(errors="replace").splitlines()[-5:]
        return EmbeddedServiceError("\n".join([f"{self.name} ended at start; {self.log} ends with:", *words]))


async def spawn(
    command: list[str], *, account: Account, folder: Path, log: Path, death_signal: signal.Signals
) -> Process:
    """Start a program in a folder; it gets the signal when this process ends, however it ends."""
    if threading.current_thread() is not threading.main_thread():
        # The kernel sends the signal when the *thread* that forked ends.
        raise EmbeddedServiceError("embedded services must be started from the main thread")
    tie = [os.getpid(), int(death_signal), account.uid, account.gid]
    _shorten(log)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *[sys.executable, "-I", "-S", str(LAUNCHER), *map(str, tie), *command],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C in the terminal is the owner's to handle, in order
        )


async def within(seconds: float, what: str, work: Coroutine[object, object, None]) -> None:
    """Wait for work, but not for ever; the error says what took too long."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise EmbeddedServiceError(f"{what} took longer than {seconds:g} s") from None


def _shorten(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))
