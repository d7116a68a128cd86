"""`dispatch demo`: replay real calls among fictitious volunteers, on a fast clock, through the whole system."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import aiohttp
import uvloop
from cyclopts import App, Parameter
from rich.console import Console
from rich.live import Live
from rich.text import Text

from dispatch.cli.demo import behaviour, checks, display, emergency_calls, phones, population
from dispatch.cli.demo.checks import DemoCheck
from dispatch.cli.demo.emergency_calls import Call, Calls
from dispatch.cli.demo.installation import DemoInstallation, install
from dispatch.cli.demo.pacing import Pace
from dispatch.cli.output import fail
from dispatch.cli.terminal import Terminal
from dispatch.logs import configure
from dispatch.runtime import embedded_services, hosting
from dispatch.services.operations import demo_figures
from dispatch.services.operations.demo_backlog import BacklogReader
from dispatch.services.subscriptions import READERS

demo = App(
    name="demo",
    help="Replay real emergency calls among simulated volunteers. Example: dispatch demo --speed 200",
)
SIZE = 2000
SPEED = 600.0
POLL_INTERVAL_S = 0.25
LINE_INTERVAL_S = 3.0
LONGEST_NIGHT = timedelta(hours=24)
"""The demo ends so long after the last call even where incidents are still open."""
ACCEPTED = 202
RETRY_S = 0.5


@demo.default
def play(
    *,
    incidents: Path | None = None,
    map_file: Annotated[Path | None, Parameter(name="--map")] = None,
    skip_bad: bool = False,
    speed: float = SPEED,
    volunteers: int = SIZE,
    seed: int = 112,
    stay: bool = False,
) -> None:
    """Replay calls and end with a summary; exit 0 only if the demo's own checks hold.

    Parameters
    ----------
    incidents
        A CSV file of calls, as for `dispatch report --csv`. Default: an extract of San Francisco's calls. Of a file
        that covers more than a day, the busiest three hours are replayed.
    map_file
        A YAML file that says which columns and words of the CSV file mean what.
    skip_bad
        Leave out the lines that cannot be read.
    speed
        How many times faster than life the clock runs at most; it waits for a computer that cannot keep up.
    volunteers
        How many fictitious volunteers live around the calls.
    seed
        Seed of the random generator from which people and answers are drawn.
    stay
        Serve the stream and the pages afterwards, until Ctrl-C.
    """
    if not 1 <= speed <= 10_000 or not 1 <= volunteers <= 10_000:  # noqa: PLR2004
        fail("--speed lies between 1 and 10000, --volunteers between 1 and 10000", 2)
    if map_file is not None and incidents is None:
        fail("--map goes with --incidents FILE", 2)
    configure("error")
    for name in [name for name in os.environ if name.startswith("DISPATCH_")]:
        del os.environ[name]
    try:
        chosen = emergency_calls.load(incidents, map_file, skip_bad=skip_bad)
    except emergency_calls.CallsUnreadableError as error:
        fail(str(error))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held = runner.run(_demo(chosen, speed, volunteers, seed, stay=stay))
    sys.exit(0 if held else 1)


async def _demo(chosen: Calls, speed: float, size: int, seed: int, *, stay: bool) -> bool:
    console = Terminal(highlight=False)
    _assumptions(console, chosen)
    console.print("Setting up a broker, a database and the volunteers …")
    async with install(chosen, size, seed) as site:
        began = time.monotonic()
        accepted = await _replay(console, site, chosen.calls, speed)
        took = time.monotonic() - began
        figures = await demo_figures.figures(site.node.pool)
        console.print(display.summary(figures, len(chosen.calls), chosen.units, took))
        held = display.verdict(console, await _checks(site, chosen.calls, accepted))
        if stay:
            await _stay(console, site)
    return held


async def _checks(site: DemoInstallation, chosen: Sequence[Call], accepted: set[str]) -> list[DemoCheck]:
    rejected = len(chosen) - len(accepted)
    left = await demo_figures.unfinished(site.node.pool)
    return [
        DemoCheck("every call was accepted as a report", [f"{rejected} were not"] if rejected else []),
        DemoCheck("all work was completed", [f"{n} {what}" for what, n in left.items() if n]),
        *await checks.run(site.node.uow, accepted),
    ]


def _assumptions(console: Console, chosen: Calls) -> None:
    for text in chosen.left_out:
        console.print(Text(text, "yellow"), soft_wrap=True)
    console.print("[bold]What this demo assumes[/]")
    ours = population.ASSUMPTIONS + behaviour.ASSUMPTIONS + phones.ASSUMPTIONS
    for sentence in (*chosen.assumptions, *ours):
        console.print(f"  {sentence}")


async def _replay(console: Console, site: DemoInstallation, chosen: Sequence[Call], speed: float) -> set[str]:
    """Report each call at its time until all work is done; return the ids of the accepted reports."""
    accepted: set[str] = set()
    for call in chosen:
        site.tasks.start(_report(site, call, accepted))
    pace = Pace(
        site.clock, site.tasks, BacklogReader(site.node.pool, READERS).read, site.node.uow.wake, speed
    )
    supervision = asyncio.create_task(
        embedded_services.supervise(site.services, site.node.kafka, asyncio.Event())
    )
    showing = asyncio.create_task(_show(console, site, chosen))
    try:
        await pace.run(chosen[-1].received_at + LONGEST_NIGHT)
    finally:
        for task in (showing, supervision):
            task.cancel()
        await asyncio.gather(showing, supervision, return_exceptions=True)
    return accepted


async def _report(site: DemoInstallation, call: Call, accepted: set[str]) -> None:
    """Report one call at its time over HTTP, as a control room would; add the id of the accepted report."""
    await site.tasks.sleep(max(0.0, (call.received_at - site.clock.now()).total_seconds()))
    body = {
        "id": call.id,
        "kind": call.kind,
        "severity": call.severity,
        "position": {"lat": call.lat, "lon": call.lon},
        "occurred_at": call.received_at.isoformat(),
        "professional": {"requested": True, "reference": reference_of(call)},
    }
    headers = {"Authorization": f"Bearer {site.reporter_key}"}
    while True:
        # The same id is the same report, so a control room may repeat it until it is accepted.
        with suppress(aiohttp.ClientError, TimeoutError):
            async with site.http.post("/v1/reports", json=body, headers=headers) as response:
                if response.status == ACCEPTED:
                    accepted.add(str((await response.json())["report_id"]))
                    return
        await asyncio.sleep(RETRY_S)


def reference_of(call: Call) -> str:
    """Return the professionals' reference of a call: its id, in the characters that a reference may have."""
    return f"call {re.sub(r'[^A-Za-z0-9 ./:_-]', '-', call.id)[:90]}"


async def _show(console: Console, site: DemoInstallation, chosen: Sequence[Call]) -> None:
    zone = chosen[0].received_at.tzinfo
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_INTERVAL_S)
            console.print(
                display.line(site.clock.now().astimezone(zone), await _counts(site)), soft_wrap=True
            )
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while True:
            now = site.clock.now().astimezone(zone)
            screen.update(display.live(now, await _counts(site), len(chosen)), refresh=True)
            await asyncio.sleep(POLL_INTERVAL_S)


async def _counts(site: DemoInstallation) -> dict[str, int]:
    return await demo_figures.counts(site.node.pool)


async def _stay(console: Console, site: DemoInstallation) -> None:
    stopping = asyncio.Event()
    hosting.stop_on_signals(stopping)
    console.print(f"The stream stays up at {site.node.wiring.links}/v1/stream?from=start until Ctrl-C.")
    console.print(f"key of the duty supervisor: {site.owners.supervisor_key}", soft_wrap=True)
    await stopping.wait()
