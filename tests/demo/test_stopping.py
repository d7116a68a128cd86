"""A demo that is stopped in the middle leaves no process and no folder behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
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


def until(holds: bool | None, what: str, began: float) -> bool:
    assert holds or time.monotonic() - began < PATIENCE_S, what
    return bool(holds)


def test_the_folder_is_removed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_folder() as folder:
        (folder / "file").touch()
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_demo_that_is_stopped_leaves_nothing(number: signal.Signals, code: int, short_folder: Path) -> None:
    environment = os.environ | {"TMPDIR": str(short_folder)}
    with subprocess.Popen([DISPATCH, "demo"], env=environment, stdout=subprocess.DEVNULL) as demo:
        began = time.monotonic()
        started: list[psutil.Process] = []
        while not until({one.name() for one in started} >= CHILDREN, "the demo starts its services", began):
            time.sleep(0.1)
            started = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(number)
        assert demo.wait(PATIENCE_S) == code
    began = time.monotonic()
    while not until(not any(one.is_running() for one in started), "its processes end", began):
        time.sleep(0.1)
    while not until(not list(short_folder.iterdir()), "its folder is removed", began):
        time.sleep(0.1)
