"""Answers to incidents that have asked many: CPU for a yes beside two thousand offers, and beside seven."""

from time import process_time

from dispatch.clock import Clock, MovableClock
from dispatch.storage.pool import open_pool
from tests.benchmarks.rig.processes import cpu_of
from tests.benchmarks.rig.site import Site
from tests.benchmarks.row import Row
from tests.domain.builders import PLACE, plan
from tests.support.world import TRUSTED, World, near

NAME = "settled"
FEW, MANY = 7, 2_000
YES, AT_ONCE, APART_M = 5, 10, 3_000
"""The answers to each incident, the answers in a batch, and the distance between incidents."""
GOAL = 1.25
SETTLED = """
    INSERT INTO offers (id, incident_id, volunteer_id, lane, role, status, extended_at, expires_at, settled_at,
                        distance_m, round_id)
    SELECT gen_random_uuid(), i.id, gen_random_uuid(), i.lane, 'helper', 'expired', i.opened_at, i.opened_at,
           i.opened_at, 100, gen_random_uuid()
    FROM incidents i, generate_series(1, $1)
"""
COUNTED = "UPDATE incidents SET offers_made = offers_made + $1"
REPLIES = "SELECT * FROM journal WHERE topic = 'volunteer.replies' ORDER BY id"


async def measure(site: Site) -> list[Row]:
    """Let volunteers accept in incidents that made only their seven live offers, then in some that made 2,000."""
    few, many = [await _answer(site, offers) for offers in (FEW, MANY)]
    what = f"a yes to an incident that made {MANY:,} offers: CPU of one process and its session"
    bound = f"the same where it made {FEW}"
    return [Row(what, many, "ms/reply", "lower", few, bound, f"≤ {GOAL:g}×", many <= GOAL * few)]


async def _answer(site: Site, offers: int) -> float:
    """Return the CPU milliseconds for each yes; the incidents have made as many offers as their plan allows."""
    count = 60 if site.quick else 200
    pool = await open_pool(await site.database(), application="benchmark", size=1)
    limits = {"open": FEW, "per_seat": FEW, "window_s": 3600, "most": offers}
    seats = ({"role": "helper", "skills": ("first_aid",), "count": FEW},)
    under = plan(seats=seats, offers=limits, trusted_sources=(TRUSTED,))
    world = await World(pool, MovableClock(Clock().now()), [under]).create()
    await _ask(site, world, count, offers)
    site.say(f"{count * YES:,} people accept beside {offers:,} offers")
    await _accept(world)
    records = [world.record_of(row) for row in await pool.fetch(REPLIES)]
    # The session alone: other processes of the server may still work on the offers that were inserted.
    sessions = [await pool.fetchval("SELECT pg_backend_pid()")] if site.databases.pids else []
    before = process_time() + cpu_of(sessions)
    for start in range(0, len(records), AT_ONCE):
        await world.deliver("volunteer.replies", records[start : start + AT_ONCE])
    spent = process_time() + cpu_of(sessions) - before
    seated = await pool.fetchval("SELECT count(*) FROM assignments")
    assert seated == len(records) == count * YES, f"{seated} of {len(records)} replies became assignments"
    pool.terminate()
    return 1000 * spent / len(records)


async def _ask(site: Site, world: World, count: int, offers: int) -> None:
    """Open incidents far from each other, ask seven people for each, and add offers that nobody answered."""
    site.say(f"asking for {count} incidents")
    for number in range(count):
        place = near(PLACE, north_m=number * APART_M)
        await world.add_people(FEW, around=place)
        await world.send(str(number), position=place)
    await world.consume("incident.reports", "incident.events")
    await world.pool.execute(SETTLED, offers - FEW, timeout=600)
    await world.pool.execute(COUNTED, offers - FEW)
    await world.pool.execute("VACUUM ANALYZE offers", timeout=600)


async def _accept(world: World) -> None:
    """Store a yes of some people to each incident, one incident after the other in turn."""
    rows = await world.pool.fetch(
        "SELECT incident_id, id, volunteer_id, row_number() OVER (PARTITION BY incident_id ORDER BY id) AS turn"
        " FROM offers WHERE status = 'extended' ORDER BY turn, incident_id"
    )
    for row in rows:
        if row["turn"] <= YES:
            await world.reply_to(row["incident_id"], row["id"], row["volunteer_id"], "accepted")
