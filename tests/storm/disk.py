"""A small file system for the database, which can be full: root alone may mount one."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

SIZE_MB = 1024
LAST_PIECES = 1024 * 1024
MKFS = "mkfs.ext4"


def why_not() -> str:
    """Say why no small disk can be had here; empty where it can."""
    if os.geteuid() != 0:
        return "only root can mount a small file system"
    missing = [tool for tool in (MKFS, "mount", "umount") if not shutil.which(tool, path=_path())]
    return f"not found: {', '.join(missing)}" if missing else ""


class SmallDisk:
    """A file system in a file, real enough to be flushed and to be full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self._image = folder / "disk.img"
        self._filler = self.folder / "filler"

    def mount(self) -> None:
        """Make it and mount it."""
        with self._image.open("wb") as image:
            image.truncate(SIZE_MB * 1024 * 1024)
        self.folder.mkdir()
        _run(MKFS, "-q", "-m", "0", str(self._image))
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def unmount(self) -> None:
        """Take it away."""
        _run("umount", "--lazy", str(self.folder))
        self._image.unlink()

    def fill(self) -> None:
        """Leave no room at all."""
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(self.folder).free - LAST_PIECES)
            filler.seek(0, os.SEEK_END)
            while True:
                filler.write(bytes(4096))

    def make_room(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _run(program: str, *words: str) -> None:
    subprocess.run([shutil.which(program, path=_path()) or program, *words], check=True, capture_output=True)
