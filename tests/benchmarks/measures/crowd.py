"""A burst of reports: how soon each volunteer's first message is at the gateway."""

import asyncpg

from tests.benchmarks.figures import percentile
from tests.benchmarks.measures.chain import OFFERS, load, told
from tests.benchmarks.rig.city import City
from tests.benchmarks.rig.load import Heard, Order
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.kafka.support.cluster import free_ports

NAME = "crowd"
ROLES = (
    ("api", "relay", "reports", "incidents", "replies", "agenda", "console", "auditor"),
    ("notifications", "positions"),
)
RATE = 50.0
PEOPLE = 40_000
GOAL_S = 5.0
OTHERS = "a well-known on-call engine on two such cores: p50 4.7 s; 72 of 2,100 messages after 125 s"

WHOSE = """
    SELECT address, incident_id FROM offers JOIN addresses USING (volunteer_id) WHERE channel = 'sms'
"""


async def measure(site: Site) -> list[Row]:
    """Send fifty reports a second, with every role running and a gateway that answers at once."""
    count = 60 if site.quick else 300
    city = await City.build(site, PEOPLE)
    await site.broker()
    await site.introduce(city.dsn)
    web, gateway = free_ports(2)
    programs = [
        site.work(*roles, dsn=city.dsn, DISPATCH_HTTP=f"127.0.0.1:{web}", **_kannel(web, gateway))
        for roles in ROLES
    ]
    order = Order(
        site.bootstrap, RATE, count, "dispatch.offers", "offer.extended.v2", OFFERS,
        url=f"http://127.0.0.1:{web}", key=city.key, people=PEOPLE, phones=gateway,
    )  # fmt: skip
    site.say(f"{count} reports at {RATE:.0f}/s, {OFFERS} people each")
    heard, cpu = await load(site, order, programs)
    waits = await _waits(city, heard)
    limit = f"{cpu.told(heard.wall_s, count, 'incident')}; {told(heard, count)}; {OTHERS}"
    what = (
        f"{count} incidents at {RATE:.0f}/s × {OFFERS} people: report accepted → first message at the gateway"
    )
    missing = count * OFFERS - len(waits)
    return [
        Row(f"{what}, p50", percentile(waits, 50), "s", "lower"),
        Row(f"{what}, p99", percentile(waits, 99), "s", "lower"),
        Row(
            f"{what}, the last of {count * OFFERS:,} ({missing} never came)", max(waits), "s", "lower",
            goal=f"≤ {GOAL_S:g} s, all", met=max(waits) <= GOAL_S and not missing, limit=limit,
        ),
    ]  # fmt: skip


def _kannel(web: int, gateway: int) -> dict[str, str]:
    return {
        "DISPATCH_KANNEL_URL": f"http://127.0.0.1:{gateway}/cgi-bin/sendsms",
        "DISPATCH_KANNEL_USERNAME": "renfort",
        "DISPATCH_KANNEL_PASSWORD": "renfort",
        "DISPATCH_KANNEL_SENDER": "RENFORT",
        "DISPATCH_KANNEL_KEY": "key",
        "DISPATCH_PUBLIC_URL": f"http://127.0.0.1:{web}",
    }


async def _waits(city: City, heard: Heard) -> list[float]:
    """Return the seconds from each report's 202 to each text about it."""
    connection = await asyncpg.connect(city.dsn)
    rows = await connection.fetch(WHOSE)
    await connection.close()
    incidents = {row["address"]: str(row["incident_id"]) for row in rows}
    return [
        when - heard.accepted[incidents[phone]]
        for phone, when in heard.texted.items()
        if incidents.get(phone) in heard.accepted
    ]
