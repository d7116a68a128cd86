"""The journal: every event that ever happened, chained per stream, and the outbox rows that publish it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.errors import NewerVersionError
from dispatch.metrics import EVENTS
from dispatch.storage import write_generation
from dispatch.storage.chain import GENESIS, Break, bucket_of, link, walk
from dispatch.storage.queries import bound, columns, sql
from schemas.base import SEVERITY_RANK, Event, Mode
from schemas.decoding import generation_of, revive
from schemas.envelope import frame, packed, unpack
from schemas.generations import GENERATION, encode
from schemas.ids import derived_text
from schemas.incidents import IncidentOpened
from schemas.plans import read_plan


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to append to a stream; `key` is what its topic is keyed by.

    Events of a lower `rank` are published first. All unpublished events of one key have the same: their order holds.
    """

    stream: UUID
    event: Event
    organisation: UUID
    mode: Mode
    key: str
    occurred_at: datetime
    received_at: datetime
    rank: int = SEVERITY_RANK["urgent"]


class JournalRow(NamedTuple):
    """One row of the query `append_journal`."""

    stream: UUID
    seq: int
    event_id: str
    organisation: UUID
    mode: Mode
    topic: str
    type: str
    bucket: int
    key: bytes
    headers: bytes
    body: bytes
    prev_hash: bytes
    hash: bytes
    rank: int


async def append(
    connection: asyncpg.Connection, entries: Sequence[Entry], now: datetime, *, new: Collection[UUID] = ()
) -> None:
    """Write events in the given order, with their outbox rows. Streams in `new` have no event yet: no head is read.

    `transaction` raises RetryableError if another one has written to one of the streams meanwhile.
    """
    if not entries:
        return
    begun = sorted({entry.stream for entry in entries}.difference(new))
    heads = await connection.fetch(sql("journal_heads"), begun) if begun else ()
    rows = chained(entries, {row["stream"]: (row["seq"], row["hash"]) for row in heads}, now)
    for type_, written in Counter(row.type for row in rows).items():
        EVENTS.labels(type_).inc(written)
    await connection.execute(*bound("append_journal", recorded_at=now, **columns(JournalRow, rows)))


def chained(
    entries: Iterable[Entry], heads: Mapping[UUID, tuple[int, bytes]], now: datetime
) -> list[JournalRow]:
    """Return the rows of events, each with the hash of the one before it; `heads` has the last of each stream."""
    last, rows = dict(heads), []
    for entry in entries:
        seq, previous = last.get(entry.stream, (0, GENESIS))
        row = _row(entry, seq + 1, previous, now)
        last[entry.stream] = (row.seq, row.hash)
        rows.append(row)
    return rows


async def read_rows(connection: asyncpg.Connection, streams: Iterable[UUID]) -> list[asyncpg.Record]:
    """Return the stored events of streams, in their order; the bodies may have been changed by hand."""
    return await connection.fetch(sql("read_streams"), sorted(set(streams)))


async def read_streams(connection: asyncpg.Connection, streams: Iterable[UUID]) -> dict[UUID, list[Event]]:
    """Return the events of streams, in their order, each upcast to this version.

    Raises NewerVersionError where a newer version wrote an event that this one cannot read.
    """
    events: dict[UUID, list[Event]] = defaultdict(list)
    for row in await read_rows(connection, streams):
        events[row["stream"]].append(_event(row))
    return dict(events)


def _event(row: asyncpg.Record) -> Event:
    try:
        event = revive(row["type"], row["body"])
        if isinstance(event, IncidentOpened):
            read_plan(event.plan)
        return event  # noqa: TRY300 - what follows is for both
    except (ValueError, LookupError) as error:
        generation = generation_of(unpack(row["headers"]))
        if generation <= GENERATION:
            raise
        raise NewerVersionError(
            f"event {row['seq']} of {row['stream']} is of generation {generation}: this version reads {GENERATION}"
        ) from error


async def verify(connection: asyncpg.Connection, stream: UUID | None = None) -> list[Break]:
    """Return the breaks in the chain of one stream, or of all; requires a transaction of its own."""
    async with connection.transaction(readonly=True):
        return [place async for _, place in walk(connection, stream) if place is not None]


def _row(entry: Entry, seq: int, previous: bytes, now: datetime) -> JournalRow:
    event, key, generation = entry.event, entry.key.encode(), write_generation.current
    type_, body = encode(event, generation)
    event_id = derived_text(entry.stream, seq)
    shared = frame(
        entry.key, entry.organisation, entry.mode, entry.occurred_at, entry.received_at, now, generation
    )
    headers = packed(shared, event_id, type_, seq)
    return JournalRow(
        entry.stream, seq, event_id, entry.organisation, entry.mode, event.topic, type_, bucket_of(key), key, headers,
        body, previous, link(previous, event.topic, key, headers, body), entry.rank,
    )  # fmt: skip
