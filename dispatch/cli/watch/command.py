"""`dispatch watch`: each incident with what it lacks, who comes and what is next, the gravest first, live."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import NoReturn, Protocol

from rich.console import Group
from rich.live import Live

from dispatch.cli.connection import connected, run, run_alone
from dispatch.cli.output import (
    Json,
    Spoken,
    Whose,
    organisation_of,
    print_json,
    print_json_line,
    screen,
    spoken_here,
)
from dispatch.cli.terminal import harmless
from dispatch.cli.watch.blocks import details, head
from dispatch.cli.watch.screen import SEPARATOR, Size, notices, picture, reader_of
from dispatch.cli.watch.words import say
from dispatch.config import Settings
from dispatch.services.console.overview import Overview, overview
from dispatch.services.core.error_classification import TRANSIENT
from dispatch.services.core.unit_of_work import UnitOfWork
from schemas.volunteers import Language

POLL_S = 0.5
RETRY_S = 1.0
PATIENCE_S = 5.0
"""A read that takes longer is given up: what is on the screen must not seem current for longer."""
MOST = 150
"""Incidents read for a screen, the gravest; the others are counted."""


class Show(Protocol):
    """Shows a situation; `lost` where it is no longer the present one, since the connection is lost."""

    def __call__(self, seen: Overview, *, lost: bool) -> None: ...


def watch(
    *, once: bool = False, language: Spoken = None, organisation: Whose = None, json: Json = False
) -> None:
    """Watch an organisation's incidents, the gravest first; without a terminal, a line per change. Ctrl-C ends it.

    Each incident shows what lacks and where, who comes, who has not seen an escalation, and what happens next.

    Example: dispatch watch --once

    Example: dispatch watch --language fr

    Parameters
    ----------
    once
        Show the present situation and exit.
    json
        Write JSON: one document for each change.
    """
    spoken = language or spoken_here()
    if once:
        found = run(lambda uow: read(uow, organisation))
        print_json(found) if json else _print(found, spoken)
    elif json:
        run_alone(follow(organisation, Documents().show))
    elif screen.is_terminal and not screen.is_dumb_terminal:
        _live(organisation, spoken)
    else:
        run_alone(follow(organisation, Lines(spoken).show))


async def read(uow: UnitOfWork, organisation: str | None) -> Overview:
    """Return the present situation."""
    return await overview(uow, await organisation_of(uow, organisation), most=MOST)


def _print(found: Overview, language: Language) -> None:
    height = 10_000
    for line in picture(found, Size(screen.width, height), language):
        screen.print(line, soft_wrap=True)


def _live(organisation: str | None, language: Language) -> None:
    with Live(console=screen, screen=True, auto_refresh=False) as live:

        def show(seen: Overview, *, lost: bool) -> None:
            lines = picture(seen, Size(*screen.size), language, lost=lost)
            live.update(Group(*lines), refresh=True)

        run_alone(follow(organisation, show))


async def follow(organisation: str | None, show: Show) -> NoReturn:
    """Show the situation again and again; where the connection is lost, say so, and connect anew."""
    last: Overview | None = None
    while True:
        try:
            async with connected(Settings()) as uow:
                while True:
                    async with asyncio.timeout(PATIENCE_S):
                        last = await read(uow, organisation)
                    show(last, lost=False)
                    await asyncio.sleep(POLL_S)
        except TRANSIENT:
            # Without a first picture there is nothing to show: the command fails as any other.
            if last is None:
                raise
        show(last, lost=True)
        await asyncio.sleep(RETRY_S)


class Lines:
    """Prints what has changed, for a pipe, a file or a dumb terminal: one line for each incident and alert."""

    def __init__(self, language: Language) -> None:
        """Start with nothing printed."""
        self._language = language
        self._printed: dict[str, str] = {}
        self._lost = False

    def show(self, seen: Overview, *, lost: bool) -> None:
        """Print the lines that differ from those printed last."""
        if lost != self._lost:
            self._lost = lost
            self._print(
                seen,
                say(
                    "lost" if lost else "found",
                    self._language,
                    at=reader_of(seen, self._language).time(seen.at),
                ),
            )
        if lost:
            return
        now = dict(lines_of(seen, self._language))
        for key, line in now.items():
            if self._printed.get(key) != line:
                self._print(seen, line)
        for key in self._printed.keys() - now.keys():
            self._print(seen, say("over", self._language, what=key))
        self._printed = now

    def _print(self, seen: Overview, line: str) -> None:
        print(harmless(f"{reader_of(seen, self._language).time(seen.at)} {line}"), flush=True)


def lines_of(seen: Overview, language: Language) -> Iterator[tuple[str, str]]:
    """Yield each alert and each incident on one line, with what names it; times are times of day."""
    reader = reader_of(seen, language, still=True)
    for notice in notices(seen, reader):
        yield notice.plain, notice.plain
    for one in (*seen.actual.incidents, *seen.apart.incidents):
        line = SEPARATOR.join([*head(one, reader), *details(one, reader)]).plain
        mode = "" if one.mode == "actual" else f"[{reader.say(one.mode)}] "
        yield one.code, f"{mode}{line.strip()}"


class Documents:
    """Prints the situation as one line of JSON whenever it has changed."""

    def __init__(self) -> None:
        """Start with nothing printed."""
        self._printed: Overview | None = None
        self._lost = False

    def show(self, seen: Overview, *, lost: bool) -> None:
        """Print the situation unless only time has passed; while there is no connection, say so once."""
        same = self._printed is not None and replace(seen, at=self._printed.at) == self._printed
        if same and lost == self._lost:
            return
        self._printed, self._lost = seen, lost
        print_json_line({"connected": not lost} | asdict(seen))
