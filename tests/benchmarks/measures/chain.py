"""Latency from a report's 202 to its offers on the topic, at a steady hundred a second."""

import asyncio
import sys
from collections.abc import Sequence

import orjson

from tests.benchmarks.figures import percentile
from tests.benchmarks.rig import wire
from tests.benchmarks.rig.city import City
from tests.benchmarks.rig.load import BEGUN, Heard, Order
from tests.benchmarks.rig.processes import Cpu, Program
from tests.benchmarks.rig.site import Site
from tests.benchmarks.rig.wire import StuckError
from tests.benchmarks.row import Row
from tests.kafka.support.cluster import free_ports

NAME = "chain"
OFFERS = 7
ROLES = ("api", "relay", "reports", "incidents", "replies", "agenda")
RATE = 100.0
SETTLING_S = 3.0
"""Reports accepted in the first seconds, while sessions are opened and statements planned, are counted separately."""
P99_MS = 100.0
TIMES_BOUND = 2.0


async def measure(site: Site) -> list[Row]:
    """Measure the latency through the product, then through three bare hops at the same rate."""
    count, people = (500, 20_000) if site.quick else (3_000, 100_000)
    city = await City.build(site, people)
    await site.broker()
    await site.introduce(city.dsn)
    first, found, spent = await product(site, city, count)
    bound = await bare(site, count)
    what = f"report accepted → offer on its topic, {RATE:.0f}/s, {people:,} volunteers, one process"
    is_bound = "three bare hops, same rate"
    spent += (
        f"; the first {SETTLING_S:.0f} s after the start are not counted: p99 {percentile(first, 99):.0f} ms"
    )
    rows = []
    for percent, goal in ((50, f"≤ {TIMES_BOUND:g}× its bound"), (99, f"≤ {P99_MS:.0f} ms")):
        value, least = percentile(found, percent), percentile(bound, percent)
        met = value <= (TIMES_BOUND * least if percent == 50 else P99_MS)
        row = Row(
            f"{what}, p{percent}", value, "ms", "lower", least, is_bound, goal, met, spent * (percent == 99)
        )
        rows.append(row)
    return rows


async def product(site: Site, city: City, count: int) -> tuple[list[float], list[float], str]:
    """Send reports by HTTP; return the milliseconds of each offer, early and later, and the CPU used."""
    (port,) = free_ports(1)
    order = Order(
        site.bootstrap, RATE, count, "dispatch.offers", "offer.extended.v2", OFFERS,
        url=f"http://127.0.0.1:{port}", key=city.key, people=city.people,
    )  # fmt: skip
    program = site.work(*ROLES, dsn=city.dsn, DISPATCH_HTTP=f"127.0.0.1:{port}")
    site.say(f"{count:,} reports at {RATE:.0f}/s")
    heard, cpu = await load(site, order, [program])
    await program.stop()
    return *latencies(heard, OFFERS), f"{cpu.told(heard.wall_s, count, 'incident')}; {told(heard, count)}"


async def bare(site: Site, count: int) -> list[float]:
    """Send the same number of records at the same rate through three hops without logic, in one process."""
    names = [f"bare.{number}" for number in range(4)]
    await wire.make_topics(site.bootstrap, *names)
    words = [site.bootstrap, await site.database(), "1", *names]
    hops = site.start([sys.executable, "-m", "tests.benchmarks.rig.bare", *words])
    site.say("three bare hops")
    heard, _ = await load(site, Order(site.bootstrap, RATE, count, names[-1], "", 1, into=names[0]), [hops])
    hops.kill()
    _, later = latencies(heard, 1)
    return later


async def load(site: Site, order: Order, programs: Sequence[Program]) -> tuple[Heard, Cpu]:
    """Run the load in a process of its own; return its observations and the CPU of the other processes."""
    what, where = site.folder / "order.json", site.folder / "heard.json"
    what.write_bytes(orjson.dumps(order))
    where.unlink(missing_ok=True)
    process = site.start([sys.executable, "-m", "tests.benchmarks.rig.load", str(what), str(where)])
    while process.runs and BEGUN.encode() not in process.log.read_bytes():
        await asyncio.sleep(0.05)
    before = site.cpu(*programs)
    while process.runs:
        await asyncio.sleep(0.1)
    spent = site.cpu(*programs) - before
    if not where.exists():
        raise StuckError(f"the load generator failed:\n{process.log.read_text()}")
    return Heard(**orjson.loads(where.read_bytes())), spent


def told(heard: Heard, count: int) -> str:
    """Return the CPU of the load generator and the number of rejections, as text."""
    refusals = f"; {heard.refused} times a report was refused and sent again" if heard.refused else ""
    return f"the load generator {1000 * heard.cpu_s / count:.2f} ms{refusals}"


def latencies(heard: Heard, each: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds from each acceptance to each record, for the first seconds and for the rest.

    Nothing may be missing.
    """
    short = [name for name in heard.accepted if len(heard.came.get(name, [])) < each]
    assert not short, f"of {len(heard.accepted)} reports {len(short)} lack some of their {each} records"
    settled = min(heard.accepted.values()) + SETTLING_S
    first: list[float] = []
    later: list[float] = []
    for name, start in heard.accepted.items():
        part = first if start < settled else later
        part += [1000 * (t - start) for t in heard.came[name][:each]]
    return first, later
