"""`dispatch watch`: each incident with what it lacks, who comes and what is next, the gravest first, live."""

import asyncio
from collections.abc import Callable
from typing import NoReturn, Protocol

from rich.console import Group
from rich.live import Live

from dispatch.cli.connection import connected, run, run_alone, unanswered
from dispatch.cli.output import (
    Json,
    Spoken,
    Whose,
    fail,
    organisation_of,
    print_json,
    screen,
    spoken_here,
)
from dispatch.cli.watch.changes import Documents, Lines
from dispatch.cli.watch.screen import Size, live_picture, picture
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
"""Incidents read where there is no screen, the gravest; the others are counted."""


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


async def read(uow: UnitOfWork, organisation: str | None, most: int = MOST) -> Overview:
    """Return the present situation, with at most so many incidents."""
    return await overview(uow, await organisation_of(uow, organisation), most=most)


def _print(found: Overview, language: Language) -> None:
    height = 10_000
    for line in picture(found, Size(screen.width, height), language):
        screen.print(line, soft_wrap=True)


def _live(organisation: str | None, language: Language) -> None:
    with Live(console=screen, screen=True, auto_refresh=False) as live:

        def show(seen: Overview, *, lost: bool) -> None:
            lines = live_picture(seen, Size(*screen.size), language, lost=lost)
            live.update(Group(*lines), refresh=True)

        # More incidents than the screen has lines need not be read.
        run_alone(follow(organisation, show, lambda: screen.size.height))


async def follow(organisation: str | None, show: Show, most: Callable[[], int] = lambda: MOST) -> NoReturn:
    """Show the situation again and again; where the connection is lost, say so, and connect anew."""
    last: Overview | None = None
    while True:
        try:
            async with connected(Settings()) as uow:
                while True:
                    async with asyncio.timeout(PATIENCE_S):
                        last = await read(uow, organisation, most())
                    show(last, lost=False)
                    await asyncio.sleep(POLL_S)
        except TRANSIENT as error:
            # Without a first picture there is nothing to show.
            if last is None:
                fail(unanswered(error, Settings()))
        show(last, lost=True)
        await asyncio.sleep(RETRY_S)
