"""The demo's folder, which is removed however the demo ends."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

# Its input ends with this process, also with one that is killed. PostgreSQL may still write for a moment.
REMOVE_AFTER_END = """
trap "" INT TERM HUP
read _
n=0
while rm -rf "$0"; [ -e "$0" ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.2; done
"""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder, which a process of its own removes afterwards, or when this process is killed."""
    folder = mkdtemp(prefix="renfort-demo-")
    with subprocess.Popen(
        ["/bin/sh", "-c", REMOVE_AFTER_END, folder],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process
    ):  # fmt: skip
        yield Path(folder)
