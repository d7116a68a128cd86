"""A small file system for the database that can be filled; only root can mount one."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

SIZE_MB = 1024
LAST_PIECES = 1024 * 1024
MKFS = "mkfs.ext4"


def skip_reason() -> str:
    """Return why no small file system can be made on this machine; empty if it can."""
    if os.geteuid() != 0:
        return "only root can mount a small file system"
    missing = [tool for tool in (MKFS, "mount", "umount") if not shutil.which(tool, path=_path())]
    return f"not found: {', '.join(missing)}" if missing else ""


class SmallFileSystem:
    """A file system in a file that can be flushed and filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self._image = folder / "disk.img"
        self._filler = self.folder / "filler"

    def mount(self) -> None:
        """Create and mount it."""
        with self._image.open("wb") as image:
            image.truncate(SIZE_MB * 1024 * 1024)
        self.folder.mkdir()
        _run(MKFS, "-q", "-m", "0", str(self._image))
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def unmount(self) -> None:
        """Unmount and delete it."""
        _run("umount", "--lazy", str(self.folder))
        self._image.unlink()

    def fill(self) -> None:
        """Fill it to the last byte."""
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(self.folder).free - LAST_PIECES)
            filler.seek(0, os.SEEK_END)
            while True:
                filler.write(bytes(4096))

    def make_room(self) -> None:
        """Free the space again."""
        self._filler.unlink(missing_ok=True)


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _run(program: str, *words: str) -> None:
    subprocess.run([shutil.which(program, path=_path()) or program, *words], check=True, capture_output=True)
