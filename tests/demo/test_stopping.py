"""A demo that is stopped in the middle leaves no process and no folder behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from dispatch.cli.demo.temporary_folder import temporary_folder

DISPATCH = Path(sys.executable).with_name("dispatch")
PATIENCE_S = 60
CHILDREN = {"postgres", "tansu", "sh"}


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Provide a folder for temporary files whose path is short enough for a socket."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def _heeds_interrupts() -> Iterator[None]:
    """Let the programs of a test be interrupted, also where this one runs in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE_S, what
        time.sleep(0.1)


def test_the_folder_is_removed_at_the_end() -> None:
    with temporary_folder() as folder:
        (folder / "file").touch()
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("_heeds_interrupts")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_demo_that_is_stopped_leaves_nothing(number: signal.Signals, code: int, short_folder: Path) -> None:
    environment = os.environ | {"TMPDIR": str(short_folder)}
    with subprocess.Popen([DISPATCH, "demo"], env=environment, stdout=subprocess.DEVNULL) as demo:
        process = psutil.Process(demo.pid)
        wait_until(lambda: {one.name() for one in process.children()} >= CHILDREN, "its services start")
        started = process.children(recursive=True)
        demo.send_signal(number)
        assert demo.wait(PATIENCE_S) == code
    wait_until(lambda: not any(one.is_running() for one in started), "its processes end")
    wait_until(lambda: not list(short_folder.iterdir()), "its folder is removed")
