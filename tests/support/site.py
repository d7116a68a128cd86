"""A relay, a broker without persistence, and a reader that records each event that it handles."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

import asyncpg

from consumers import broker as groups
from dispatch.clock import Clock
from dispatch.embedded import EmbeddedBroker
from dispatch.services.ingest.batches import Batches
from dispatch.services.subscriptions import READERS
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from producers.kafka.relay import Relay
from schemas.decoding import Received, Unreadable
from schemas.escalations import EscalationResolved
from schemas.ids import named
from tests.conftest import START

TOPIC, READER = "dispatch.escalations", "escalation-messages"
ORGANISATION = named("organisation", "Bas-Rhin")
EFFECTS = (
    "CREATE TABLE IF NOT EXISTS effects (place bigint GENERATED ALWAYS AS IDENTITY, subject text, seq bigint)"
)


def entry(subject: int, number: int = 0) -> Entry:
    """Return a journal entry about a subject, which is its stream and its key."""
    id_ = named("subject", subject)
    event = EscalationResolved(
        at=START, escalation_id=id_, subject_kind="incident", subject_id=id_, reason=str(number)
    )
    return Entry(id_, event, ORGANISATION, "actual", str(id_), START, START)


async def append_events(pool: asyncpg.Pool, *subjects: int, now: datetime = START) -> None:
    """Append one event about each subject, in one transaction that locks the subjects."""
    async with transaction(pool) as connection:
        for subject in sorted(set(subjects)):
            await connection.execute("SELECT pg_advisory_xact_lock($1)", subject)
        await append(connection, [entry(subject) for subject in subjects], now)


async def until(true: Callable[[], Awaitable[object]], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.02)


class Site:
    """A relay and one consumer on an embedded broker, restarted together as its owner does."""

    def __init__(self, pool: asyncpg.Pool, database: str, clock: Clock, folder: Path) -> None:
        self.pool = pool
        self.broker = EmbeddedBroker(folder)
        self.slowness = 0.0
        self.deliveries = 0
        self._database = database
        self._clock = clock
        self._batches = Batches(pool, clock, on_commit=lambda: None)

    async def start(self) -> None:
        """Start an empty broker, the relay, then the reader."""
        await self.pool.execute(EFFECTS)
        await self.broker.start()
        self.relay = Relay(self._database, self.broker.address, self._clock, READERS, embedded=True)
        self.relaying = asyncio.create_task(self.relay.run())
        await until(self._ready)
        await self.subscribe()

    async def subscribe(self) -> None:
        """Start a reader."""
        self.groups = groups.build(self.broker.address, embedded=True)
        groups.subscribe(self.groups, TOPIC, READER, self._read)
        await groups.start(self.groups)

    async def stop(self) -> None:
        """Stop all that depends on the broker, then the broker."""
        await asyncio.gather(self.relay.stop(), groups.stop(self.groups))
        await self.broker.stop()

    async def crash(self) -> None:
        """Kill the broker with SIGKILL, with everything that it held, and start again."""
        self.broker.kill()
        await self.broker.wait()
        await self.stop()
        await self.start()

    async def unread(self) -> int:
        """Return the number of events that had no effect yet."""
        return int(
            await self.pool.fetchval("SELECT (SELECT count(*) FROM journal) - (SELECT count(*) FROM effects)")
        )

    async def all_read(self) -> bool:
        """Return whether every event had its effect."""
        return await self.unread() == 0

    async def effects(self) -> list[tuple[str, int]]:
        """Return the effects in the order in which they happened."""
        rows = await self.pool.fetch("SELECT subject, seq FROM effects ORDER BY place")
        return [(row["subject"], row["seq"]) for row in rows]

    async def _ready(self) -> bool:
        return self.relay.ready

    async def _read(self, records: list[Received | Unreadable]) -> None:
        self.deliveries += len(records)
        await asyncio.sleep(self.slowness)
        await self._batches.run(READER, TOPIC, records, _record_effects)


async def _record_effects(
    connection: asyncpg.Connection, records: Sequence[Received], _now: datetime
) -> None:
    rows = [(record.key.decode(), record.sequence) for record in records]
    await connection.executemany("INSERT INTO effects (subject, seq) VALUES ($1, $2)", rows)
