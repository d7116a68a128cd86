"""`dispatch demo`: replay real calls among fictitious volunteers, on a fast clock, through the whole system."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
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
from dispatch.cli.output import fail
from dispatch.cli.terminal import Terminal
from dispatch.logs import configure
from dispatch.runtime import embedded_services, hosting
from dispatch.services.operations import demo_figures

demo = App(
    name="demo",
    help="Replay real emergency calls among simulated volunteers. Example: dispatch demo --speed 200",
)
SIZE = 2000
SPEED = 240.0
POLL_INTERVAL_S = 0.25
LINE_INTERVAL_S = 3.0
DRAIN_TIMEOUT_S = 60.0
ACCEPTED = 202
ATTEMPTS, RETRY_S = 60, 0.5


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
        How many times faster than life the clock runs.
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
        site.clock.set_speed(speed)
        accepted = await _replay(console, site, chosen.calls)
        site.clock.set_speed(1)
        took = time.monotonic() - began
        figures = await demo_figures.figures(site.node.pool)
        console.print(display.summary(figures, len(chosen.calls), chosen.units, took))
        if warning := display.slowness_warning(figures):
            console.print(f"[yellow]{warning}[/]", soft_wrap=True)
        held = display.verdict(console, await _checks(site, chosen.calls, accepted))
        if stay:
            await _stay(console, site)
        await site.owners.stop()
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


async def _replay(console: Console, site: DemoInstallation, chosen: Sequence[Call]) -> set[str]:
    """Report each call at its time, then wait until all work is done; return the ids of the accepted reports."""
    supervision = asyncio.create_task(
        embedded_services.supervise(site.services, site.node.kafka, asyncio.Event())
    )
    showing = asyncio.create_task(_show(console, site, chosen))
    try:
        accepted = await asyncio.gather(*(_report(site, call) for call in chosen))
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                await _until_drained(site)
    finally:
        for task in (showing, supervision):
            task.cancel()
        await asyncio.gather(showing, supervision, return_exceptions=True)
    return {report_id for report_id in accepted if report_id is not None}


async def _report(site: DemoInstallation, call: Call) -> str | None:
    """Report one call at its time over HTTP, as a control room would."""
    await site.clock.sleep(max(0.0, (call.received_at - site.clock.now()).total_seconds()))
    body = {
        "id": call.id,
        "kind": call.kind,
        "severity": call.severity,
        "position": {"lat": call.lat, "lon": call.lon},
        "occurred_at": call.received_at.isoformat(),
        "professional": {"requested": True, "reference": reference_of(call)},
    }
    headers = {"Authorization": f"Bearer {site.reporter_key}"}
    for _ in range(ATTEMPTS):
        # The same id is the same report, so a control room may repeat it until it is accepted.
        with suppress(aiohttp.ClientError, TimeoutError):
            async with site.http.post("/v1/reports", json=body, headers=headers) as response:
                if response.status == ACCEPTED:
                    return str((await response.json())["report_id"])
        await asyncio.sleep(RETRY_S)
    return None


def reference_of(call: Call) -> str:
    """Return the professionals' reference of a call: its id, in the characters that a reference may have."""
    return f"call {re.sub(r'[^A-Za-z0-9 ./:_-]', '-', call.id)[:90]}"


async def _until_drained(site: DemoInstallation) -> None:
    while True:
        if not any((await demo_figures.unfinished(site.node.pool)).values()):
            return
        await asyncio.sleep(POLL_INTERVAL_S)


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
