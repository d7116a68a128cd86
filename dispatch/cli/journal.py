"""What was written down: the journal and its proof, and what could not be understood."""

import sys
from collections.abc import Sequence
from uuid import UUID

import asyncpg
from cyclopts import App

from dispatch.cli.local import fail, run
from dispatch.cli.terminal import Json, counted, errors, print_json, problem, screen, table
from dispatch.services import rebuilding
from dispatch.services.engine import Engine
from dispatch.services.errors import NotFoundError
from dispatch.storage.journal import Break, verify
from dispatch.storage.queries import sql

journal = App(name="journal", help="Check the journal, and rebuild from it.")
parking = App(name="parking", help="Look at what could not be understood.")
NOT_PARKED = "nothing is parked under this id"


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


@parking.command(name="list")
def list_parking(*, limit: int = 100, json: Json = False) -> None:
    """List what could not be understood, the latest first.

    Example: dispatch parking list

    Parameters
    ----------
    limit
        How many.
    """

    async def work(engine: Engine) -> Sequence[asyncpg.Record]:
        return await engine.pool.fetch(sql("list_parking"), limit)

    rows = [dict(row) for row in run(work)]
    if json:
        print_json(rows)
        return
    columns = ("id", "parked_at", "source_topic", "source", "reason", "size", "settled_at")
    screen.print(table("parked", columns, ([row[column] for column in columns] for row in rows)))


@parking.command
def show(id: UUID, *, json: Json = False) -> None:  # noqa: A002 - the argument's name
    """Show one parked message with its bytes, which may hold personal data.

    Example: dispatch parking show 0197a0b2-0000-7000-8000-000000000000

    Parameters
    ----------
    id
        Its id, from `dispatch parking list`.
    """

    async def work(engine: Engine) -> dict[str, object]:
        row = await engine.pool.fetchrow(sql("show_parking"), id)
        if row is None:
            raise NotFoundError(NOT_PARKED)
        return dict(row)

    found = {name: _readable(value) for name, value in run(work).items()}
    if json:
        print_json(found)
        return
    screen.print(table("parked", ("field", "value"), found.items()))


@parking.command
def settle(id: UUID) -> None:  # noqa: A002 - the argument's name
    """Note that a parked message has been seen to; it stays in the list, and `dispatch doctor` is quiet about it.

    Example: dispatch parking settle 0197a0b2-0000-7000-8000-000000000000

    Parameters
    ----------
    id
        Its id, from `dispatch parking list`.
    """

    async def work(engine: Engine) -> None:
        if await engine.pool.fetchval(sql("settle_parking"), id, engine.clock.now()) is None:
            raise NotFoundError(NOT_PARKED)

    run(work)
    screen.print("[green]settled[/]")


def _readable(value: object) -> object:
    """Show bytes as text, and what is no text as escapes."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
