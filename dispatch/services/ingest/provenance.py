"""Provenance: whether Renfort wrote a record. Only the journal can prove it: a topic proves nothing.

The journal's hash of an event covers its topic, its key, its headers and its body. A record that differs from its
event in any of them, or that has no event, is parked before its id is recorded: the event itself still counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg

from dispatch.services.ingest.restore_fence import LOST, RestoreFence
from dispatch.storage.chain import bucket_of, link
from dispatch.storage.queries import sql
from schemas.decoding import ILLEGIBLE, LARGEST_BODY, Received, Unreadable, from_outside
from schemas.envelope import pack

FOREIGN = "only Renfort writes on this topic: check who has write access"
UNPROVEN = "it claims to be written by Renfort, and the journal has no such event"
UNKNOWN_SOURCE = "unknown"
"""The source of a record that is not ours on a topic of ours: the one that it states may be any."""
RECENT_S = 1.0

Record = Received | Unreadable
Link = tuple[bytes, bytes]
"""The hash of an event in the journal, and that of the event before it."""


async def reject_unproven(
    database: asyncpg.Pool | asyncpg.Connection, fence: RestoreFence, topic: str, records: Sequence[Record]
) -> list[Record]:
    """Turn records that falsely claim to be ours, or are not and should be, into unreadable ones.

    One statement reads the journal for all of them. It is append-only, so what it proves once stays proven.
    """
    links = await _links(database, [record for record in records if record.ours])
    proven = [_is_proven(topic, record, links) for record in records]
    if any(record.ours and not proof for record, proof in zip(records, proven, strict=True)):
        # The events of a database that was restored a moment ago are not forged.
        await fence.refresh(RECENT_S)
    return [
        record if proof or _is_allowed(topic, record) else _rejected(record, fence)
        for record, proof in zip(records, proven, strict=True)
    ]


async def _links(
    database: asyncpg.Pool | asyncpg.Connection, claims: Sequence[Record]
) -> Mapping[UUID | None, Link]:
    if not claims:
        return {}
    rows = await database.fetch(
        sql("journal_links"),
        [claim.event_id for claim in claims],
        [claim.recorded_at for claim in claims],
        [bucket_of(claim.key or b"") for claim in claims],
    )
    return {row["event_id"]: (row["prev_hash"], row["hash"]) for row in rows}


def _is_proven(topic: str, record: Record, links: Mapping[UUID | None, Link]) -> bool:
    if not record.ours or record.event_id not in links or record.body is None:
        return False
    previous, hashed = links[record.event_id]
    headers = pack(record.headers) if isinstance(record, Received) else record.headers
    return link(previous, topic, record.key or b"", headers, record.body) == hashed


def _is_allowed(topic: str, record: Record) -> bool:
    """Return whether a record may be handled without proof, or parked for the defect that it has."""
    illegible = isinstance(record, Unreadable) and record.reason == ILLEGIBLE
    return not record.ours and (from_outside(topic) or illegible)


def _rejected(record: Record, fence: RestoreFence) -> Unreadable:
    if not record.ours:
        return replace(record.unreadable(FOREIGN), source=UNKNOWN_SOURCE)
    may_be_lost = fence.is_suspect(record.recorded_at) and len(record.body or b"") <= LARGEST_BODY
    return record.unreadable(LOST if may_be_lost else UNPROVEN)
