"""`dispatch up` as a process of its own, as in a terminal."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psutil

DISPATCH = Path(sys.executable).with_name("dispatch")
PATIENCE_S = 60.0
POLL_S = 0.05

T = TypeVar("T")


def eventually(condition: Callable[[], T], what: str, seconds: float = PATIENCE_S) -> T:
    """Return the first truthy value of `condition`; fail with `what` if there is none in time."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"timed out: {what}"
        time.sleep(POLL_S)
    return found


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a command that finds no installation but this one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
    return inherited | {"DISPATCH_DATA": str(folder)} | settings


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; status 0 if no process listens."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Up:
    """A running `dispatch up` and its output."""

    process: subprocess.Popen[bytes]
    url: str
    out: Path
    err: Path

    @property
    def said(self) -> str:
        """Return what it printed for its user."""
        return self.out.read_text(errors="replace")

    @property
    def log(self) -> str:
        """Return its log."""
        return self.err.read_text(errors="replace")

    @property
    def keys(self) -> dict[str, str]:
        """Return the first keys, by holder, as it has written them to a file: its output is no terminal."""
        file = self.out.with_name("first-keys")
        return dict(line.split() for line in file.read_text().splitlines()) if file.exists() else {}

    def ask(self, path: str, key: str = "", body: bytes | None = None) -> Answer:
        """Ask for a page, or post a body of JSON."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        try:
            with urlopen(Request(self.url + path, body, headers), timeout=10) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())
        except (URLError, OSError):
            return Answer(0, {}, b"")

    def until_ready(self) -> None:
        """Wait until everything works and the output states so."""
        eventually(lambda: self.ask("/readyz").status == 200 and "Ctrl-C" in self.said, f"ready; {self.log}")

    def family(self) -> list[psutil.Process]:
        """Return the processes that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        """Stop it as Ctrl-C does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def dispatch_up(folder: Path, **settings: str) -> Iterator[Up]:
    """Run `dispatch up` until the end of the block, then stop it if it still runs."""
    folder.mkdir(exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    out, err = folder / "said.txt", folder / "log.txt"
    known = environment(folder, **{"DISPATCH_HTTP": address} | settings)
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen([DISPATCH, "up"], env=known, stdout=stdout, stderr=stderr)
        try:
            yield Up(process, f"http://{known['DISPATCH_HTTP']}", out, err)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(30)
                finally:
                    process.kill()
