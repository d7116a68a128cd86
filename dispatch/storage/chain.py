"""The hash chain of the journal: the hash of each event covers the one before it, so that every change is found."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from struct import Struct
from uuid import UUID
from zlib import crc32

import asyncpg

from dispatch.storage.queries import sql
from schemas.base import utc_iso
from schemas.envelope import unpack
from schemas.ids import derived

BUCKETS = 64
GENESIS = bytes(32)
EVENTS_PER_CHUNK = 1000
"""How many events are in memory at a time."""
OUT_OF_ORDER = "by its id it was written before the event that it follows"
_length = Struct(">I").pack


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the journal differs from what was written; without a stream if only a consumer has the event."""

    stream: UUID | None
    seq: int
    what: str
    topic: str = ""
    type: str = ""
    recorded_at: datetime | None = None
    incident: UUID | None = None


def bucket_of(key: bytes) -> int:
    """Return the bucket of a key, the same in every process."""
    return crc32(key) % BUCKETS


def link(previous: bytes, topic: str, key: bytes, headers: bytes, body: bytes) -> bytes:
    """Return the hash of an event and the one before it; lengths first, so that no byte can move to another field."""
    parts = (previous, topic.encode(), key, headers, body)
    return sha256(b"".join([_length(len(part)) + part for part in parts])).digest()


async def walk(
    connection: asyncpg.Connection, stream: UUID | None = None
) -> AsyncIterator[tuple[asyncpg.Record, Break | None]]:
    """Yield the events of one stream, or of all, in order, each with its break or None; requires a transaction."""
    at, seq, previous, place = None, 0, GENESIS, 0
    async for row in connection.cursor(sql("journal_chain"), stream, prefetch=EVENTS_PER_CHUNK):
        if row["stream"] != at:
            at, seq, previous, place = row["stream"], 0, GENESIS, 0
        wrong = _wrong(row, seq + 1, previous) or ("" if row["id"] > place else OUT_OF_ORDER)
        yield row, _break(row, wrong) if wrong else None
        seq, previous, place = row["seq"], row["hash"], row["id"]


def _break(row: asyncpg.Record, wrong: str) -> Break:
    return Break(row["stream"], row["seq"], wrong, row["topic"], row["type"], row["recorded_at"])


def _wrong(row: asyncpg.Record, seq: int, previous: bytes) -> str:
    if row["seq"] != seq:
        return f"events {seq} to {row['seq'] - 1} are missing"
    if row["prev_hash"] != previous:
        return "it does not follow from the event before it"
    if row["hash"] != link(previous, row["topic"], row["key"], row["headers"], row["body"]):
        return "its bytes were changed"
    try:
        columns = list(_astray(row))
    except (ValueError, TypeError, AttributeError):
        return "its headers are none"
    return f"its columns differ from its bytes: {', '.join(columns)}" if columns else ""


def _astray(row: asyncpg.Record) -> Iterator[str]:
    """Yield the columns that differ from the bytes under the hash; `ce_id` ties the bytes to stream and place."""
    headers = dict(unpack(row["headers"]))
    event_id = derived(row["stream"], row["seq"])
    if headers.get("ce_id") != str(event_id).encode():
        yield "stream or seq"
    if row["event_id"] != event_id:
        yield "event_id"
    if row["bucket"] != bucket_of(row["key"]):
        yield "bucket"
    if headers.get("ce_recordedtime") != utc_iso(row["recorded_at"]).encode():
        yield "recorded_at"
    for column in ("type", "organisation", "mode"):
        if headers.get(f"ce_{column}") != str(row[column]).encode():
            yield column
