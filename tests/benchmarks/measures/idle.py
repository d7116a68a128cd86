"""`dispatch up` with nothing to do: the CPU of all its processes, and the memory of its own."""

import asyncio
import time

import psutil
from aiohttp import ClientSession

from tests.benchmarks.measures.up import start_embedded, until_ready
from tests.benchmarks.rig.processes import Cpu, Program, cpu_of
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row

NAME = "idle"
SECONDS, QUICK_SECONDS = 60.0, 20.0
SETTLED_AFTER_S = 15.0
"""Until then it starts: it joins its consumer groups, and audits for the first time."""
GOAL_SHARE, GOAL_MB = 0.02, 110.0


async def measure(site: Site) -> list[Row]:
    """Start it with embedded services, let it rest, and measure what it uses."""
    site.say("dispatch up, with nothing to do")
    program, url = start_embedded(site, site.folder / "idle")
    async with ClientSession() as session:
        await until_ready(session, url)
    await asyncio.sleep(SETTLED_AFTER_S)
    before, began = _cpu(program), time.monotonic()
    await asyncio.sleep(QUICK_SECONDS if site.quick else SECONDS)
    used, wall, memory = _cpu(program) - before, time.monotonic() - began, program.rss_mb
    await program.stop()
    share = used.total / wall
    parts = {"Renfort": used.renfort, "PostgreSQL": used.postgres, "the broker": used.kafka}
    limit = ", ".join(f"{name} {cpu / wall:.1%}" for name, cpu in parts.items())
    return [
        Row("idle, embedded, all in one: CPU of all", 100 * share, "% of a core", "lower",
            goal=f"≤ {GOAL_SHARE:.0%}", met=share <= GOAL_SHARE, limit=limit),
        Row("idle, embedded, all in one: memory of its own process", memory, "MB", "lower",
            goal=f"≤ {GOAL_MB:.0f} MB", met=memory <= GOAL_MB),
    ]  # fmt: skip


def _cpu(program: Program) -> Cpu:
    """Return the CPU used by the process, by its database and by its broker."""
    own = psutil.Process(program.pid)
    children = {child.pid: child.name() for child in own.children()}
    broker = [pid for pid, name in children.items() if name == "tansu"]
    database = [pid for pid, name in children.items() if name == "postgres"]
    times = own.cpu_times()
    return Cpu(times.user + times.system, cpu_of(database), cpu_of(broker))
