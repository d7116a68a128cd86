"""`dispatch demo`: replay real calls among fictitious volunteers, on a fast clock, through the whole system."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import uvloop
from cyclopts import App, Parameter
from rich.console import Console
from rich.text import Text

from dispatch.cli.demo import (
    behaviour,
    checks,
    display,
    emergency_calls,
    outcomes,
    pacing,
    phones,
    population,
)
from dispatch.cli.demo.checks import DemoCheck
from dispatch.cli.demo.emergency_calls import Call, Calls
from dispatch.cli.demo.installation import DemoInstallation, install
from dispatch.cli.demo.replay import replay
from dispatch.cli.demo.showing import Screen
from dispatch.cli.output import fail
from dispatch.logs import configure
from dispatch.runtime import hosting
from dispatch.services.core.event_loop import wait_for
from dispatch.services.operations import demo_figures
from dispatch.services.operations.demo_figures import Figures

demo = App(
    name="demo",
    help="Replay real emergency calls among simulated volunteers. Example: dispatch demo --speed 200",
)
SIZE = 2000
SPEED = 600.0
HOURS = 1.0
STAY_TICK_S = 0.2
ENDED_BY_SIGNAL = 143
INTRODUCTION = """\
{calls} real emergency calls of one night (its busiest {hours:g} h); {size} fictitious
volunteers; simulated phones. The clock runs up to {speed:.0f} times faster than life,
waits for this computer, and jumps over idle times. One incident is told; the
counts are of all. More: --hours 3, --assumptions"""


@demo.default
def play(
    *,
    incidents: Path | None = None,
    map_file: Annotated[Path | None, Parameter(name="--map")] = None,
    skip_bad: bool = False,
    speed: float = SPEED,
    volunteers: int = SIZE,
    hours: float = HOURS,
    seed: int = 112,
    stay: bool = False,
    assumptions: bool = False,
) -> None:
    """Replay calls and end with a summary; exit 0 only if the demo's own checks hold.

    Parameters
    ----------
    incidents
        A CSV file of calls, as for `dispatch report --csv`. Default: an extract of San Francisco's calls, three hours.
    map_file
        A YAML file that says which columns and words of the CSV file mean what.
    skip_bad
        Leave out the lines that cannot be read.
    speed
        How many times faster than life the clock runs at most; it waits for a computer that cannot keep up.
    volunteers
        How many fictitious volunteers live around the calls.
    hours
        How many hours of the file are replayed: the busiest.
    seed
        Seed of the random generator from which people and answers are drawn.
    stay
        Serve the stream and the pages afterwards, until Ctrl-C.
    assumptions
        Print what the demo assumes, and end.
    """
    if not 1 <= speed <= 10_000 or not 1 <= volunteers <= 10_000:  # noqa: PLR2004
        fail("--speed lies between 1 and 10000, --volunteers between 1 and 10000", 2)
    if not 0 < hours <= emergency_calls.WHOLE_HOURS:
        fail("--hours lies between 0 and 24", 2)
    if map_file is not None and incidents is None:
        fail("--map goes with --incidents FILE", 2)
    configure("error")
    for name in [name for name in os.environ if name.startswith("DISPATCH_")]:
        del os.environ[name]
    try:
        chosen = emergency_calls.load(incidents, map_file, skip_bad=skip_bad, hours=hours)
    except emergency_calls.CallsUnreadableError as error:
        fail(str(error))
    if assumptions:
        ours = population.ASSUMPTIONS + behaviour.ASSUMPTIONS + phones.ASSUMPTIONS + pacing.ASSUMPTIONS
        display.console().print(display.assumptions([*chosen.assumptions, *ours]))
        return
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            held = runner.run(_demo(chosen, hours, speed, volunteers, seed, stay=stay))
    except asyncio.CancelledError:
        sys.exit(ENDED_BY_SIGNAL)
    sys.exit(0 if held else 1)


async def _demo(chosen: Calls, hours: float, speed: float, size: int, seed: int, *, stay: bool) -> bool:
    _end_on_signals()
    console = display.console()
    for text in chosen.left_out:
        console.print(Text(text, "yellow"), soft_wrap=True)
    console.print(
        INTRODUCTION.format(calls=len(chosen.calls), hours=hours, size=size, speed=speed), end="\n\n"
    )
    async with install(chosen, size, seed) as site:
        hosting.freeze_startup_objects()
        began, started = time.monotonic(), site.clock.now()
        screen = Screen(console, site, len(chosen.calls), chosen.calls[0].received_at.tzinfo)
        accepted = await replay(site, screen, chosen.calls, speed)
        took, night = time.monotonic() - began, site.clock.now() - started
        figures = await demo_figures.figures(site.node.pool)
        console.print(display.summary(figures, len(chosen.calls), chosen.units, night, took))
        held = display.verdict(console, await _checks(site, chosen.calls, accepted, figures))
        if stay:
            await _stay(console, site)
    return held


def _end_on_signals() -> None:
    """Cancel the demo on a request to end, so that it stops its services and removes its folder."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if task is not None:
            loop.add_signal_handler(number, task.cancel)


async def _checks(
    site: DemoInstallation, chosen: Sequence[Call], accepted: set[str], figures: Figures
) -> list[DemoCheck]:
    rejected = len(chosen) - len(accepted)
    left = await demo_figures.unfinished(site.node.pool)
    return [
        DemoCheck("every call was accepted as a report", [f"{rejected} were not"] if rejected else []),
        DemoCheck("all work was completed", [f"{n} {what}" for what, n in left.items() if n]),
        *outcomes.check(figures),
        *await checks.run(site.node.uow, accepted),
    ]


async def _stay(console: Console, site: DemoInstallation) -> None:
    """Serve until stopped; the clock goes at its natural speed."""
    stopping = asyncio.Event()
    hosting.stop_on_signals(stopping)
    console.print(f"The stream stays up at {site.node.wiring.links}/v1/stream?from=start until Ctrl-C.")
    console.print(f"key of the duty supervisor: {site.owners.supervisor_key}", soft_wrap=True)
    while not await wait_for(stopping, STAY_TICK_S):
        site.clock.advance(STAY_TICK_S)
