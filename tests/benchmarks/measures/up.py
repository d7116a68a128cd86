"""`dispatch up`: time until it is ready, on the first start and on later ones."""

import asyncio
import os
import time
from pathlib import Path

from aiohttp import ClientError, ClientSession

from tests.benchmarks.rig.processes import DISPATCH, Program
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.kafka.support.cluster import free_ports

NAME = "up"
PATIENCE_S = 120
GOAL_S = 8.0


async def measure(site: Site) -> list[Row]:
    """Start it with an empty folder, stop it, and start it again on the same folder."""
    rows = []
    for when in ("first start, no files yet", "later start"):
        site.say(f"dispatch up, {when}")
        took, cost = await _start(site, site.folder / "up")
        rows.append(
            Row(f"`dispatch up` to ready, embedded, {when}", took, "s", "lower", goal=f"≤ {GOAL_S:g} s",
                met=took <= GOAL_S, limit=cost)
        )  # fmt: skip
    return rows


async def _start(site: Site, folder: Path) -> tuple[float, str]:
    """Start it; return the seconds until it is ready, and the CPU used by then."""
    begun = time.monotonic()
    program, url = start_embedded(site, folder)
    async with ClientSession() as session:
        await until_ready(session, url)
    took = time.monotonic() - begun
    cost = f"{program.cpu_s:.1f} s of CPU with its services; its own process holds {program.rss_mb:.0f} MB"
    await program.stop()
    return took, cost


def start_embedded(site: Site, folder: Path) -> tuple[Program, str]:
    """Start `dispatch up` with embedded services and their files in a folder; return it and its URL."""
    (port,) = free_ports(1)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
    settings = {"DISPATCH_DATA": str(folder), "DISPATCH_HTTP": f"127.0.0.1:{port}"}
    return site.start([DISPATCH, "up"], ours | settings), f"http://127.0.0.1:{port}"


async def until_ready(session: ClientSession, url: str) -> None:
    """Wait until it is ready; raises TimeoutError if that takes too long."""
    async with asyncio.timeout(PATIENCE_S):
        while not await _ready(session, f"{url}/readyz"):
            await asyncio.sleep(0.02)


async def _ready(session: ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except ClientError:
        return False
