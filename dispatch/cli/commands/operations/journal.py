"""`dispatch journal`: verify the journal, export it, and rebuild the tables from it."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import App, Parameter
from rich.progress import Progress
from rich.status import Status

from dispatch.cli.connection import run
from dispatch.cli.output import (
    Json,
    Whose,
    errors,
    fail,
    organisation_of,
    print_json,
    problem,
    progress,
    screen,
)
from dispatch.config import MisuseError
from dispatch.domain.counting import counted
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import journal_export, journal_verification, rebuilding
from dispatch.services.operations.journal_export import Selection
from dispatch.services.operations.journal_verification import MOST_BREAKS, Verification
from dispatch.services.subscriptions import READERS
from dispatch.storage.chain import Break

journal = App(name="journal", help="Verify and export the journal, and rebuild the tables.")

Output = Annotated[str, Parameter(allow_leading_hyphen=True)]  # `-` alone is no option


@journal.command
def verify(
    *, stream: str | None = None, until: datetime | None = None, expect: str = "", json: Json = False
) -> None:
    """Verify the chain of hashes and report every event that is missing or was changed.

    Store the fingerprint elsewhere: somebody with write access to the database can write a new chain of hashes, but
    cannot make it yield the old fingerprint.

    Example: dispatch journal verify

    Example: dispatch journal verify --until 2026-11-27T00:00:00Z --expect 5d0c…

    Parameters
    ----------
    stream
        Verify one stream only, by its id or the beginning of it: an incident, a report, a message.
    until
        Take the fingerprint of the events recorded before this time, which has a time zone and lies some minutes ago.
    expect
        The fingerprint that an earlier run printed for the same --until.
    """
    _need_zone(until=until)
    if expect and until is None:
        raise MisuseError("--expect needs the --until under which the fingerprint was taken")

    async def work(uow: UnitOfWork) -> Verification:
        with progress() as shown:
            task = shown.add_task("walking the journal", total=None)
            return await journal_verification.verify(
                uow,
                READERS,
                None if stream is None else await find(uow.pool, "stream", None, stream),
                until=until,
                on_progress=lambda done, total: _show(shown, task, done, total),
            )

    found = run(work)
    if json:
        print_json(found)
    for place in found.breaks:
        problem(_named(place))
    if found.breaks:
        least = "at least " if len(found.breaks) >= MOST_BREAKS else ""
        fail(f"the journal is broken in {least}{counted(len(found.breaks), 'place')}")
    if stream is not None and not found.events:
        fail(f"there is no stream {stream}")
    if expect and found.fingerprint != expect.lower():
        fail(f"the events recorded before {until} have changed: their fingerprint is now {found.fingerprint}")
    if not json:
        whole = f"{counted(found.events, 'event')} in {counted(found.streams, 'stream')}"
        screen.print(f"[green]The journal is intact:[/] {whole}, fingerprint {found.fingerprint}")


@journal.command
def export(
    *,
    output: Output,
    incident: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    organisation: Whose = None,
    force: bool = False,
) -> None:
    """Export events to a file, one JSON object per line, so that others can read them and verify the chain.

    The file holds references and pseudonyms, no personal data. Stderr reports the number of events and the SHA-256.

    Example: dispatch journal export --since 2026-11-26T00:00:00Z --output journal.jsonl

    Example: dispatch journal export --incident 1fd89305 --output -

    Parameters
    ----------
    output
        The file, which is created when it is complete; `-` is stdout.
    incident
        One incident, by its id or the beginning of it, with its reports, replies and messages.
    since, until
        Export the events recorded from the one time on and before the other; both need a time zone.
    force
        Overwrite an existing file.
    """
    _need_zone(since=since, until=until)
    path = Path(output)
    if output != "-" and path.exists() and not force:
        fail(f"{path} exists: name another file, or use --force")

    async def work(uow: UnitOfWork) -> tuple[int, str]:
        owner = None if organisation is None else await organisation_of(uow, organisation)
        named = None if incident is None else await find(uow.pool, "incident", owner, incident)
        return await _write(journal_export.export(uow, Selection(named, owner, since, until)), file)

    place = nullcontext(sys.stdout.buffer) if output == "-" else _complete_file(path)
    with place as file, errors.status("writing the journal"):
        count, digest = run(work)
    errors.print(f"{counted(count, 'event')} written, SHA-256 {digest}", soft_wrap=True)


@journal.command
def rebuild(*, check: bool = False, json: Json = False) -> None:
    """Rebuild incidents, seats, offers, assignments, escalations and the agenda from the journal.

    Example: dispatch journal rebuild --check

    Parameters
    ----------
    check
        Change nothing; report the differences, and exit 1 if there are any.
    """
    if check:
        _compare(json=json)
        return
    with errors.status("rebuilding") as shown:
        count = run(lambda uow: rebuilding.rebuild(uow, _count(shown, "rebuilt")))
    if json:
        print_json({"rebuilt": count})
    else:
        screen.print(f"[green]{count}[/] rebuilt from the journal.")


def _compare(*, json: bool) -> None:
    with errors.status("comparing") as shown:
        differences = run(lambda uow: rebuilding.compare(uow, _count(shown, "compared")))
    if json:
        print_json({"differences": differences})
    for text in differences:
        problem(text)
    if differences:
        rows = counted(len(differences), "row differs", "rows differ")
        fail(f"{rows} from the journal: see `dispatch journal rebuild --help`")
    if not json:
        screen.print("[green]The tables agree with the journal.[/]")


def _need_zone(**moments: datetime | None) -> None:
    for name, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            raise MisuseError(
                f"--{name} needs its zone: {moment.isoformat()}Z, or +01:00 for French winter time"
            )


def _count(shown: Status, done: str) -> Callable[[int], None]:
    return lambda count: shown.update(f"{counted(count, 'subject')} {done}")


def _show(shown: Progress, task: int, done: int, total: int) -> None:
    shown.update(task, completed=done, total=total)  # type: ignore[arg-type] # rich's own name for an int


def _named(place: Break) -> str:
    """Describe a break by all that is known of its event."""
    where = f"stream {place.stream}, event {place.seq}" if place.stream else "some stream"
    known = {"topic": place.topic, "type": place.type, "incident": place.incident, "at": place.recorded_at}
    about = ", ".join(f"{name} {value}" for name, value in known.items() if value)
    return f"{where}: {place.what}" + (f" ({about})" if about else "")


async def _write(lines: AsyncIterator[bytes], file: BinaryIO) -> tuple[int, str]:
    """Write lines; return how many and the hash of it all."""
    count, digest = 0, sha256()
    async for line in lines:
        try:
            file.write(line)
        except OSError as error:
            # An OSError that passes the database connection would be reported as an error of the database.
            fail(f"the file cannot be written: {error.strerror}")
        digest.update(line)
        count += 1
    return count, digest.hexdigest()


@contextmanager
def _complete_file(path: Path) -> Iterator[BinaryIO]:
    """Write a temporary file beside the path and rename it when it is complete; only its owner may read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise MisuseError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(opened, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
