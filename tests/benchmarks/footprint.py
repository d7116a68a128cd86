"""The cost of one incident: CPU, rows and WAL in PostgreSQL, events and bytes on the topics, messages to phones.

`python -m tests.benchmarks.footprint --incidents 500` runs each shipped plan's incidents from report to end through
the product's services, on an embedded database and a clock that it moves, and prints what docs/sizing.md counts with.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal
from uuid import UUID

import asyncpg
import psutil
import uvloop
from rich.console import Console

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.embedded import EmbeddedPostgres
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.logs import configure
from dispatch.services.access import organisations
from dispatch.services.access.organisations import DutyContact
from dispatch.services.incidents import execution
from dispatch.services.ingest.batches import Batches
from dispatch.services.messaging.gateway import OutboundText, Receipt
from dispatch.services.messaging.receipts import Reported, record_receipts
from dispatch.services.messaging.sending import Sender
from dispatch.services.people import volunteers
from dispatch.services.plans.plan_files import load
from dispatch.services.replies import receiving
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import open_pool, transaction
from schemas.replies import Answer
from tests.conftest import START
from tests.domain.builders import PLACE
from tests.support.post import COMPOSING, INTAKE
from tests.support.scene import a_volunteer, phone
from tests.support.world import World, near

PEOPLE, APART_M = 4_000, 30
KIB, MOST_TABLES = 1024, 9
SKILLS = ["first_aid", "driver", "crew_leader", "firefighter", "watch"]
TOGETHER = 50
AT_ONCE = 10
"""The receipts that arrive within the 20 ms in which they are collected, at 500 of them a second."""
ACCEPTS, DECLINES = 0.32, 0.66
"""Of those asked a third accepts (published: 29 to 35 %), a third declines, a third is silent."""
LOOK_AGAIN_S, ROUNDS = 30, 5
KINDS = {
    "cardiac arrest": ("medical.cardiac_arrest", "life_threatening"),
    "crew of six": ("fire.structure", "life_threatening"),
    "professionals only": ("other.flood", "urgent"),
}

screen, progress = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False)
SINCE = "SELECT * FROM journal WHERE topic = $1 AND id > $2 ORDER BY id"
SIZES = """
    SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
WRITTEN = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
EVENTS = """
    SELECT topic, count(*), sum(length(body) + length(headers) + length(key)) AS bytes FROM journal GROUP BY topic
"""
COUNTS = """
    SELECT (SELECT count(*) FROM offers) AS offers, (SELECT count(*) FROM assignments) AS assignments,
           (SELECT count(*) FROM messages) AS messages, (SELECT count(*) FROM replies) AS replies,
           (SELECT count(*) FROM inbox) AS inbox
"""
LIVE = "SELECT id FROM offers WHERE status = 'extended' ORDER BY id"
GOING = "SELECT offer_id FROM assignments WHERE status <> 'released' ORDER BY offer_id"
OPEN = "SELECT id FROM incidents WHERE ended_at IS NULL ORDER BY id"
LACKING = "SELECT id FROM incidents WHERE ended_at IS NULL AND covered_at IS NULL ORDER BY id"


@dataclass
class Tally:
    """The totals at one moment; subtract them from those of a later moment."""

    tables: Counter[str]
    wal: int
    events: Counter[str]
    bytes: Counter[str]
    rows: Counter[str]
    own_cpu: float
    server_cpu: float

    @classmethod
    async def of(cls, pool: asyncpg.Pool) -> "Tally":
        await pool.execute("CHECKPOINT")
        sizes, events = await pool.fetch(SIZES), await pool.fetch(EVENTS)
        return cls(
            tables=Counter({row["relname"]: row["bytes"] for row in sizes}),
            wal=await pool.fetchval(WRITTEN),
            events=Counter({row["topic"]: row["count"] for row in events}),
            bytes=Counter({row["topic"]: row["bytes"] for row in events}),
            rows=Counter(dict(await pool.fetchrow(COUNTS) or {})),
            own_cpu=time.process_time(),
            server_cpu=sum(map(_seconds, psutil.Process().children(recursive=True))),
        )


class Town(World):
    """Volunteers along a road, who answer as published figures state."""

    def __init__(self, pool: asyncpg.Pool, clock: MovableClock, seed: int) -> None:
        """Start without volunteers."""
        super().__init__(pool, clock, [plan for plan in load(None).plans if plan.name != "default"])
        self._chance = Random(seed)
        self._told: dict[str, int] = {}
        self._decided: set[UUID] = set()
        self._arrived: list[UUID] = []
        gateway = SimulatedGateway()
        gateway.on_message = self._arrive
        self._sender = Sender(
            self.uow, {"sms": gateway}, secret=b"footprint", public_url="https://renfort.example.org"
        )

    async def settle(self) -> None:
        """Enrol volunteers along the road and set two duty contacts."""
        await self.create()
        duty = [DutyContact(f"Supervisor {turn}", phone(9_000 + turn)) for turn in (1, 2)]
        await organisations.set_duty(self.uow, self.organisation, duty)
        places = [near(PLACE, APART_M * number) for number in range(PEOPLE)]
        bodies = [a_volunteer(number, skills=SKILLS, position=place) for number, place in enumerate(places)]
        for start in range(0, PEOPLE, 500):
            await volunteers.register_all(self.uow, self.organisation, bodies[start : start + 500])

    async def live_through(self, kind: str, severity: str, names: Sequence[str]) -> None:
        """Run incidents from their reports to their end."""
        for name in names:
            place = near(PLACE, APART_M * self._chance.uniform(0, PEOPLE))
            await self.send(name, kind=kind, severity=severity, position=place)
        for _ in range(ROUNDS):
            await self._pass_on()
            await self._answer()
            await self.advance(LOOK_AGAIN_S)
        await self._act("takeover", LACKING)
        for answer in ("en_route", "on_scene", "released"):
            for row in await self.pool.fetch(GOING):
                await self._press(row["offer_id"], answer)
            await self._pass_on()
        await self._act("close", OPEN)

    async def _pass_on(self) -> None:
        """Do the work of the consumers, the relay, the sender and the provider's receipts until none is left."""
        while await self.consume(*self._consumers()) + await self._notify():
            while await self._sender.round():
                pass
            await self.pool.execute("DELETE FROM outbox")
            while self._arrived:
                some, self._arrived = self._arrived[:AT_ONCE], self._arrived[AT_ONCE:]
                await record_receipts(self.uow, [Reported(Receipt(name, "delivered")) for name in some])

    async def _notify(self) -> int:
        found = 0
        for one in COMPOSING:
            rows = await self.pool.fetch(SINCE, one.topic, self._told.get(one.consumer, 0))
            batches = Batches(self.pool, self.clock, lambda: None)
            records = [self.record_of(row) for row in rows]
            await batches.run(one.consumer, one.topic, records, one.handler(INTAKE))
            self._told[one.consumer] = max([self._told.get(one.consumer, 0), *(row["id"] for row in rows)])
            found += len(rows)
        return found

    async def _answer(self) -> None:
        """Let each newly asked volunteer accept, decline or not answer."""
        for row in await self.pool.fetch(LIVE):
            if row["id"] not in self._decided:
                self._decided.add(row["id"])
                drawn = self._chance.random()
                if drawn < DECLINES:
                    await self._press(row["id"], "accepted" if drawn < ACCEPTS else "declined")
        await self._pass_on()

    async def _press(self, offer: UUID, answer: Answer) -> None:
        await receiving.receive(
            self.uow, offer_id=offer, answer=answer, channel="page", received_at=self.clock.now()
        )

    async def _act(self, what: Literal["takeover", "close"], which: str) -> None:
        """Let a supervisor close the incidents that are still open."""
        names = [row["id"] for row in await self.pool.fetch(which)]
        async with transaction(self.pool) as connection:
            await execution.lock_and_execute(
                connection, [(name, Act(what, "Ada")) for name in names], self.clock.now()
            )
        await self._pass_on()

    async def _arrive(self, message: OutboundText) -> None:
        self._arrived.append(message.message_id)


def report(name: str, count: int, before: Tally, after: Tally) -> None:
    """Print the increase per volunteer, or per incident of one kind."""
    tables, rows = after.tables - before.tables, after.rows - before.rows
    events, size = after.events - before.events, after.bytes - before.bytes
    wal = (after.wal - before.wal) / count / KIB
    own, server = after.own_cpu - before.own_cpu, after.server_cpu - before.server_cpu
    screen.print(f"\n{name}, each of {count}:")
    screen.print(f"  PostgreSQL {tables.total() / count / KIB:8.1f} KiB, WAL {wal:.1f} KiB")
    screen.print(
        f"  CPU        {own / count * 1000:8.1f} ms of Renfort, {server / count * 1000:.1f} ms of PostgreSQL"
    )
    for table, added in tables.most_common(MOST_TABLES):
        screen.print(f"    {table:<22} {added / count / KIB:8.2f} KiB")
    screen.print(f"  topics     {size.total() / count / KIB:8.1f} KiB, events {events.total() / count:.1f}")
    for topic, added in events.most_common():
        screen.print(f"    {topic:<22} {added / count:8.2f} events of {size[topic] / added:.0f} bytes")
    screen.print("  rows       " + ", ".join(f"{what} {n / count:.2f}" for what, n in sorted(rows.items())))


def _seconds(process: psutil.Process) -> float:
    """Return the CPU of a process and of its children that have exited."""
    used = process.cpu_times()
    return float(used.user + used.system + used.children_user + used.children_system)


async def measure(count: int, seed: int) -> None:
    """Run so many incidents of each kind."""
    with TemporaryDirectory(prefix="renfort-footprint-") as folder:
        async with EmbeddedPostgres(Path(folder), fsync=False) as server:
            await migrate(server.url())
            pool = await open_pool(server.url(), application="footprint")
            town = Town(pool, MovableClock(START), seed)
            empty = await Tally.of(pool)
            await town.settle()
            report("volunteer", PEOPLE, empty, await Tally.of(pool))
            for name, (kind, severity) in KINDS.items():
                before = await Tally.of(pool)
                for start in range(0, count, TOGETHER):
                    names = [f"{name} {number}" for number in range(start, min(start + TOGETHER, count))]
                    await town.live_through(kind, severity, names)
                    progress.print(f"{name}: {start + len(names)} of {count}")
                report(name, count, before, await Tally.of(pool))
            pool.terminate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=500, help="of each kind")
    parser.add_argument("--seed", type=int, default=112, help="what people's answers are drawn from")
    options = parser.parse_args()
    configure("error")
    uvloop.run(measure(options.incidents, options.seed))


if __name__ == "__main__":
    main()
