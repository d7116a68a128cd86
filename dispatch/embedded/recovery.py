"""Bringing a database back as it was at a moment, from a whole copy and the log since."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from dispatch.embedded.backup_folder import SEGMENT, Base, begin_life, check
from dispatch.embedded.postgres import EmbeddedPostgres
from dispatch.embedded.programs import EmbeddedServiceError, account_for

LOG = "renfort.wal"
"""The log to be read again, inside the files: whoever PostgreSQL runs as may not enter the folder of backups."""
TOO_SHORT = b"recovery ended before configured recovery target was reached"
SEGMENTS_PER_FILE = 256
"""Of 16 MB each: the middle of a name counts 4 GB."""
FROM_LOG = f"cp {LOG}/%f %p"


@asynccontextmanager
async def restored(
    base: Base, data: Path, until: datetime | None, now: datetime, *, fsync: bool = True
) -> AsyncIterator[EmbeddedPostgres]:
    """Bring a database back into an empty folder and run it until the block ends.

    `until` is the last moment that counts; without it, all that was copied does. What cannot be brought back whole
    leaves nothing.
    """
    server = EmbeddedPostgres(data, fsync=fsync, settings=_settings(until))
    if server.files.exists():
        raise EmbeddedServiceError(f"{server.files} exists: move it away first, nothing is overwritten")
    written = _log(server)
    try:
        await _lay_out(base, server.files, now)
        await server.start()
    except BaseException as error:
        for made in (server.files, _unfinished(server.files)):
            shutil.rmtree(made, ignore_errors=True)
        # Clients that PostgreSQL refused meanwhile may stand after it: its last lines do not always say why it ended.
        if TOO_SHORT in _log(server).removeprefix(written):
            raise EmbeddedServiceError(f"nothing was copied after {until}: restore without it") from error
        raise
    try:
        shutil.rmtree(server.files / LOG)
        yield server
    finally:
        await server.stop()


def _log(server: EmbeddedPostgres) -> bytes:
    return server.log.read_bytes() if server.log.exists() else b""


def _settings(until: datetime | None) -> dict[str, str]:
    """Say how far to go; nobody gets an answer before it is there."""
    wanted = {
        "restore_command": FROM_LOG,
        "hot_standby": "off",
        "recovery_target_action": "promote",
        # The one that runs may have taken the memory.
        "shared_buffers": "128MB",
    }
    return wanted if until is None else wanted | {"recovery_target_time": until.isoformat()}


async def _lay_out(base: Base, files: Path, now: datetime) -> None:
    # Made beside and renamed when whole, so that a kill in the middle leaves nothing half made.
    unfinished = _unfinished(files)
    shutil.rmtree(unfinished, ignore_errors=True)
    files.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(base.files, unfinished, symlinks=True)
    await check(unfinished)
    # The socket and its lock lie among the files; those of the original are no business of this one.
    for path in unfinished.glob(".s.PGSQL.*"):
        path.unlink()
    _require_whole(base)
    (unfinished / LOG).mkdir()
    for path in segments(base):
        shutil.copy2(path, unfinished / LOG / path.name.removesuffix(".partial"))
    (unfinished / "recovery.signal").touch()
    begin_life(unfinished, now)
    _hand_over(unfinished)
    unfinished.rename(files)


def _unfinished(files: Path) -> Path:
    return files.with_name("postgres.unfinished")


def segments(base: Base) -> list[Path]:
    """List the log that was copied since the copy began, the oldest first."""
    return [
        path for path in sorted(base.wal.glob("*")) if SEGMENT.match(path.name) and path.name >= base.segment
    ]


def _require_whole(base: Base) -> None:
    """Raise where a piece of the log is missing before a later one: recovery would end there and call it the end."""
    own = (base.files / "pg_wal").glob("*")
    names = {path.name for path in own if SEGMENT.match(path.name)} | {path.name for path in segments(base)}
    there = sorted({name.removesuffix(".partial") for name in names} | {base.segment})
    for one, following in pairwise(there):
        if one[:8] == following[:8] and _number(following) != _number(one) + 1:
            raise EmbeddedServiceError(
                f"{base.wal} lacks what lies between {one} and {following}: bring the missing files back, "
                f"or restore from another copy, see `dispatch backup list`"
            )


def _number(segment: str) -> int:
    return int(segment[8:16], 16) * SEGMENTS_PER_FILE + int(segment[16:], 16)


def _hand_over(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    account = account_for(folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
