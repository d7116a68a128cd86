"""The verification of the journal: its chain of hashes, its agreement with other tables, and its fingerprint."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import cast
from uuid import UUID

import asyncpg

from dispatch.domain.counting import counted
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.publishing.outbox import Readers
from dispatch.storage.chain import EVENTS_PER_CHUNK, Break, walk
from dispatch.storage.pool import LONG_S
from dispatch.storage.queries import sql
from schemas.decoding import from_outside

MOST_BREAKS = 1000
"""How many breaks are reported; there may be as many as events."""
OF_INCIDENTS = ("incident.events", "dispatch.offers", "dispatch.assignments")

OnProgress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Verification:
    """How much was verified, its fingerprint, and the breaks that were found."""

    events: int
    streams: int
    fingerprint: str
    breaks: list[Break]


class _Tally:
    """Counts the events and streams recorded before a moment, and hashes the last event of each stream then."""

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        self.events = self.streams = 0
        self._hash = sha256()
        self._head: tuple[UUID, bytes] | None = None

    def add(self, row: asyncpg.Record) -> None:
        if self.until is not None and row["recorded_at"] >= self.until:
            return
        self.events += 1
        if self._head is None or self._head[0] != row["stream"]:
            self._close()
        self._head = (row["stream"], row["seq"].to_bytes(4, "big") + row["hash"])

    def digest(self) -> str:
        self._close()
        self._head = None
        return self._hash.hexdigest()

    def _close(self) -> None:
        if self._head is not None:
            stream, head = self._head
            self._hash.update(stream.bytes + head)
            self.streams += 1


async def verify(
    uow: UnitOfWork,
    readers: Readers,
    stream: UUID | None = None,
    *,
    until: datetime | None = None,
    on_progress: OnProgress | None = None,
) -> Verification:
    """Verify one stream, or all, and compare with the other tables, in one snapshot; other work goes on meanwhile.

    The fingerprint covers the events recorded before `until`. Only a page of events and the breaks are in memory.
    """
    tally = _Tally(until)
    async with uow.pool.acquire() as acquired:
        connection = cast("asyncpg.Connection", acquired)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(sql("lift_statement_timeout"))
            found = await _walk(connection, stream, tally, on_progress)
            found += await _missing_events(connection, readers, stream)
            found = await _with_incidents(connection, found)
    fingerprint = tally.digest()
    return Verification(tally.events, tally.streams, fingerprint, found)


async def _walk(
    connection: asyncpg.Connection, stream: UUID | None, tally: _Tally, on_progress: OnProgress | None
) -> list[Break]:
    found: list[Break] = []
    total = await connection.fetchval(sql("count_journal"), stream, timeout=LONG_S)
    done = 0
    async for row, place in walk(connection, stream):
        tally.add(row)
        if place is not None and len(found) < MOST_BREAKS:
            found.append(place)
        done += 1
        if on_progress is not None and done % EVENTS_PER_CHUNK == 0:
            on_progress(done, total)
    return found


async def _missing_events(
    connection: asyncpg.Connection, readers: Readers, stream: UUID | None
) -> list[Break]:
    """Find missing events that leave the chain whole, by other tables: those at the end of a stream, or all of it."""
    rows = await connection.fetch(sql("shortened_streams"), stream, MOST_BREAKS, timeout=LONG_S)
    found = [
        Break(
            row["stream"],
            row["seq"],
            f"it ends here; the table {row['known_by']} knows {counted(row['least'], 'event')}",
        )
        for row in rows
    ]
    if stream is None:
        gone = await connection.fetch(
            sql("handled_and_missing"), _only_ours(readers), MOST_BREAKS, timeout=LONG_S
        )
        found += [
            Break(None, 0, f"event {row['event_id']}: {row['consumer']} handled it, and it is not in the journal",
                  recorded_at=row["received_at"])
            for row in gone
        ]  # fmt: skip
    return found


def _only_ours(readers: Readers) -> list[str]:
    """Return the consumers of the topics that only Renfort writes to, so that the journal has each event."""
    others = {consumer for topic, consumer in readers if from_outside(topic)}
    return sorted({consumer for _, consumer in readers} - others)


async def _with_incidents(connection: asyncpg.Connection, found: Iterable[Break]) -> list[Break]:
    """Add the incident that each stream belongs to."""
    found = list(found)
    streams = sorted({place.stream for place in found if place.stream is not None})
    rows = await connection.fetch(sql("incidents_of_streams"), streams) if streams else []
    incidents = {row["stream"]: row["incident_id"] for row in rows}
    return [
        replace(
            place, incident=incidents.get(place.stream, place.stream if place.topic in OF_INCIDENTS else None)
        )
        for place in found
    ]
