"""`dispatch demo`: replay real calls among made-up volunteers, on a fast clock, through the real machine."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import uvloop
from cyclopts import App
from rich.console import Console
from rich.live import Live

from dispatch.cli.connection import fail
from dispatch.cli.demo import behaviour, calls, checks, phones, picture, population
from dispatch.cli.demo.calls import Call
from dispatch.cli.demo.checks import Check
from dispatch.cli.demo.stage import Stage, stage
from dispatch.logs import configure
from dispatch.runtime import hosting
from dispatch.services.operations import demo_figures

demo = App(
    name="demo",
    help="Replay real emergency calls among simulated volunteers. Example: dispatch demo --speed 200",
)
SIZE = 2000
SPEED = 240.0
LOOK_EVERY_S = 0.25
LINE_EVERY_S = 3.0
DRAIN_PATIENCE_S = 60.0
ACCEPTED = 202
TRIES, TRY_AGAIN_S = 60, 0.5


@demo.default
def play(
    *,
    incidents: Path | None = None,
    speed: float = SPEED,
    volunteers: int = SIZE,
    seed: int = 112,
    stay: bool = False,
) -> None:
    """Replay calls and end with a summary; exit 0 only if the demo's own checks hold.

    Parameters
    ----------
    incidents
        A file of calls: the shipped extract's columns, or DataSF's full export. The extract where none is named.
    speed
        How many times faster than life the clock runs.
    volunteers
        How many volunteers to make up around the calls.
    seed
        What the people and their answers are drawn from.
    stay
        Keep the stream and the pages up afterwards, until Ctrl-C.
    """
    if not 1 <= speed <= 10_000 or not 1 <= volunteers <= 10_000:  # noqa: PLR2004
        fail("--speed lies between 1 and 10000, --volunteers between 1 and 10000", 2)
    configure("error")
    for name in [name for name in os.environ if name.startswith("DISPATCH_")]:
        del os.environ[name]
    try:
        chosen = calls.load(incidents)
    except (calls.CallsUnreadableError, OSError) as error:
        fail(str(error))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held = runner.run(_demo(chosen, speed, volunteers, seed, stay=stay))
    sys.exit(0 if held else 1)


async def _demo(chosen: Sequence[Call], speed: float, size: int, seed: int, *, stay: bool) -> bool:
    console = Console(highlight=False)
    _assumptions(console)
    console.print("Setting up a broker, a database and the volunteers …")
    async with stage(chosen, size, seed) as ready:
        began = time.monotonic()
        ready.clock.set_speed(speed)
        accepted = await _replay(console, ready, chosen)
        ready.clock.set_speed(1)
        took = time.monotonic() - began
        happened = await demo_figures.figures(ready.node.pool)
        console.print(picture.summary(happened, len(chosen), took))
        if advice := picture.advise(happened):
            console.print(f"[yellow]{advice}[/]", soft_wrap=True)
        held = picture.verdict(console, await _checks(ready, chosen, accepted))
        if stay:
            await _stay(console, ready)
        await ready.owners.stop()
    return held


async def _checks(ready: Stage, chosen: Sequence[Call], accepted: set[str]) -> list[Check]:
    refused = len(chosen) - len(accepted)
    left = await demo_figures.unfinished(ready.node.pool)
    return [
        Check("every call was accepted as a report", [f"{refused} were not"] if refused else []),
        Check("everything was worked to its end", [f"{n} {what}" for what, n in left.items() if n]),
        *await checks.run(ready.node.uow, accepted),
    ]


def _assumptions(console: Console) -> None:
    console.print("[bold]What this demo assumes[/]")
    for sentence in calls.ASSUMPTIONS + population.ASSUMPTIONS + behaviour.ASSUMPTIONS + phones.ASSUMPTIONS:
        console.print(f"  {sentence}")


async def _replay(console: Console, ready: Stage, chosen: Sequence[Call]) -> set[str]:
    """Report every call at its time, then wait until everything is drained; return the reports accepted."""
    care = asyncio.create_task(hosting.watch_over(ready.services, ready.node, asyncio.Event()))
    watching = asyncio.create_task(_show(console, ready, chosen))
    try:
        accepted = await asyncio.gather(*(_report(ready, call) for call in chosen))
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_PATIENCE_S):
                await _drained(ready)
    finally:
        for task in (watching, care):
            task.cancel()
        await asyncio.gather(watching, care, return_exceptions=True)
    return {report_id for report_id in accepted if report_id is not None}


async def _report(ready: Stage, call: Call) -> str | None:
    """Report one call at its time over HTTP, as a control room would."""
    await ready.clock.sleep(max(0.0, (call.received_at - ready.clock.now()).total_seconds()))
    body = {
        "id": call.id,
        "kind": call.kind,
        "severity": call.severity,
        "position": {"lat": call.lat, "lon": call.lon},
        "occurred_at": call.received_at.isoformat(),
        "professional": {"requested": True, "reference": call.id},
    }
    headers = {"Authorization": f"Bearer {ready.reporter_key}"}
    for _ in range(TRIES):
        # The same id again is the same report, so a control room may send until it hears yes.
        with suppress(aiohttp.ClientError, TimeoutError):
            async with ready.http.post("/v1/reports", json=body, headers=headers) as response:
                if response.status == ACCEPTED:
                    return str((await response.json())["report_id"])
        await asyncio.sleep(TRY_AGAIN_S)
    return None


async def _drained(ready: Stage) -> None:
    while True:
        if not any((await demo_figures.unfinished(ready.node.pool)).values()):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _show(console: Console, ready: Stage, chosen: Sequence[Call]) -> None:
    zone = chosen[0].received_at.tzinfo
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            console.print(
                picture.line(ready.clock.now().astimezone(zone), await _counts(ready)), soft_wrap=True
            )
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while True:
            now = ready.clock.now().astimezone(zone)
            screen.update(picture.live(now, await _counts(ready), len(chosen)), refresh=True)
            await asyncio.sleep(LOOK_EVERY_S)


async def _counts(ready: Stage) -> dict[str, int]:
    return await demo_figures.counts(ready.node.pool)


async def _stay(console: Console, ready: Stage) -> None:
    stopping = asyncio.Event()
    hosting.stop_on_signals(stopping)
    console.print(f"The stream stays up at {ready.node.wiring.links}/v1/stream?from=start until Ctrl-C.")
    console.print(f"key of the duty supervisor: {ready.owners.supervisor_key}", soft_wrap=True)
    await stopping.wait()
