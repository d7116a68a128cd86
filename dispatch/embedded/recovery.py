"""Point-in-time recovery of a database, from a base backup and the WAL since."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from dispatch.embedded.backup_folder import SEGMENT, BaseBackup, begin_life, verify_files
from dispatch.embedded.executables import EmbeddedServiceError, account_for
from dispatch.embedded.postgres import EmbeddedPostgres

WAL_COPY = "renfort.wal"
"""The WAL to replay, inside the files: PostgreSQL's user may lack access to the folder of backups."""
TARGET_NOT_REACHED = b"recovery ended before configured recovery target was reached"
SEGMENTS_PER_FILE = 256
"""Segments are 16 MB; the middle eight digits of a name count units of 4 GB."""
RESTORE_COMMAND = f"cp {WAL_COPY}/%f %p"


@asynccontextmanager
async def restored(
    base: BaseBackup, data: Path, until: datetime | None, now: datetime, *, fsync: bool = True
) -> AsyncIterator[EmbeddedPostgres]:
    """Restore a database into an empty folder and run it until the block ends.

    `until` is the last moment to restore; None restores all that was copied. A failed restore leaves no files.
    """
    server = EmbeddedPostgres(data, fsync=fsync, settings=_settings(until))
    if server.files.exists():
        raise EmbeddedServiceError(f"{server.files} exists: move it away first, nothing is overwritten")
    log_before = _server_log(server)
    try:
        await _copy_files(base, server.files, now)
        await server.start()
    except BaseException as error:
        for folder in (server.files, _unfinished(server.files)):
            shutil.rmtree(folder, ignore_errors=True)
        # Entries about rejected clients may follow the reason, so it is not always in the last lines of the log.
        if TARGET_NOT_REACHED in _server_log(server).removeprefix(log_before):
            raise EmbeddedServiceError(f"nothing was copied after {until}: restore without it") from error
        raise
    try:
        shutil.rmtree(server.files / WAL_COPY)
        yield server
    finally:
        await server.stop()


def _server_log(server: EmbeddedPostgres) -> bytes:
    return server.log.read_bytes() if server.log.exists() else b""


def _settings(until: datetime | None) -> dict[str, str]:
    """Return the recovery settings; no client can connect before the target is reached."""
    settings = {
        "restore_command": RESTORE_COMMAND,
        "hot_standby": "off",
        "recovery_target_action": "promote",
        # The running server may be using the memory.
        "shared_buffers": "128MB",
    }
    return settings if until is None else settings | {"recovery_target_time": until.isoformat()}


async def _copy_files(base: BaseBackup, files: Path, now: datetime) -> None:
    # Copied beside and renamed when complete, so that a killed process leaves no partial database.
    unfinished = _unfinished(files)
    shutil.rmtree(unfinished, ignore_errors=True)
    files.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(base.files, unfinished, symlinks=True)
    await verify_files(unfinished)
    # The files include the socket of the original server and its lock.
    for path in unfinished.glob(".s.PGSQL.*"):
        path.unlink()
    _require_no_gap(base)
    (unfinished / WAL_COPY).mkdir()
    for path in segments(base):
        shutil.copy2(path, unfinished / WAL_COPY / path.name.removesuffix(".partial"))
    (unfinished / "recovery.signal").touch()
    begin_life(unfinished, now)
    _change_owner(unfinished)
    unfinished.rename(files)


def _unfinished(files: Path) -> Path:
    return files.with_name("postgres.unfinished")


def segments(base: BaseBackup) -> list[Path]:
    """Return the WAL segments copied since the base backup began, oldest first."""
    return [
        path for path in sorted(base.wal.glob("*")) if SEGMENT.match(path.name) and path.name >= base.segment
    ]


def _require_no_gap(base: BaseBackup) -> None:
    """Raise EmbeddedServiceError where a WAL segment is missing: recovery would end before it without an error."""
    own = (base.files / "pg_wal").glob("*")
    names = {path.name for path in own if SEGMENT.match(path.name)} | {path.name for path in segments(base)}
    present = sorted({name.removesuffix(".partial") for name in names} | {base.segment})
    for one, following in pairwise(present):
        if one[:8] == following[:8] and _number(following) != _number(one) + 1:
            raise EmbeddedServiceError(
                f"{base.wal} lacks the segments between {one} and {following}: put the missing files back, "
                f"or restore from another backup, see `dispatch backup list`"
            )


def _number(segment: str) -> int:
    return int(segment[8:16], 16) * SEGMENTS_PER_FILE + int(segment[16:], 16)


def _change_owner(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    account = account_for(folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
