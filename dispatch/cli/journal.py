"""What was written down: the journal, its proof, and what is built from it."""

import sys
from uuid import UUID

from cyclopts import App

from dispatch.cli.local import fail, run
from dispatch.cli.terminal import Json, counted, errors, print_json, problem, screen
from dispatch.services import rebuilding
from dispatch.services.engine import Engine
from dispatch.storage.journal import Break, verify

journal = App(name="journal", help="Check the journal, and rebuild from it.")


@journal.command(name="verify")
def verify_journal(*, stream: UUID | None = None, json: Json = False) -> None:
    """Walk the chain of hashes and name every place where an event is missing or was changed.

    Example: dispatch journal verify

    Parameters
    ----------
    stream
        One stream alone: an incident, a report, a volunteer.
    """

    async def work(engine: Engine) -> list[Break]:
        async with engine.pool.acquire() as connection:
            return await verify(connection, stream)  # type: ignore[arg-type]

    with errors.status("walking the journal"):
        broken = run(work)
    if json:
        print_json({"breaks": broken})
    for place in broken:
        problem(f"stream {place.stream}, event {place.seq}: {place.what}")
    if broken:
        fail(f"the journal is broken in {counted(len(broken), 'place')}")
    if not json:
        screen.print("[green]The journal holds.[/]")


@journal.command
def rebuild(*, check: bool = False, json: Json = False) -> None:
    """Write incidents, seats, offers, assignments, escalations and agenda anew from the journal.

    Example: dispatch journal rebuild --check

    Parameters
    ----------
    check
        Change nothing; say what differs, and exit 1 where anything does.
    """
    if check:
        _compare(json=json)
        return
    with errors.status("rebuilding"):
        count = run(rebuilding.rebuild)
    if json:
        print_json({"rebuilt": count})
    else:
        screen.print(f"[green]{count}[/] rebuilt from the journal.")


def _compare(*, json: bool) -> None:
    with errors.status("comparing"):
        differences = run(rebuilding.compare)
    if json:
        print_json({"differences": differences})
    for text in differences:
        problem(text)
    if differences:
        sys.exit(1)
    if not json:
        screen.print("[green]The tables are what the journal says.[/]")
