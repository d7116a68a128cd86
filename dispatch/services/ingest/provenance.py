"""Provenance: whether Renfort wrote a record that claims so. Only the journal can prove it.

An event's id follows from its stream and its place there. A stranger who can guess a source's next report id
could use the id first, and the report itself would pass for a repetition.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dispatch.storage.chain import bucket_of
from dispatch.storage.queries import sql
from schemas.decoding import EPOCH, Newer, Received, Unreadable, from_outside, recorded_at
from schemas.envelope import pack
from schemas.generations import GENERATION
from schemas.topics import BY_NAME

FOREIGN = "only Renfort writes on this topic: check who has write access"
UNPROVEN = "it claims to be written by Renfort, and the journal has no such event"

Record = Received | Unreadable
Written = tuple[bytes, bytes | None]
"""The headers and the body of an event, as the journal holds them."""


async def reject_unproven(
    connection: asyncpg.Connection, topic: str, records: Sequence[Record]
) -> list[Record]:
    """Turn records that are not ours, or falsely claim to be, into unreadable ones, before their ids are recorded."""
    if not from_outside(topic):
        return [
            record.unreadable(FOREIGN) if isinstance(record, Received) and not record.ours else record
            for record in records
        ]
    claims = [record for record in records if isinstance(record, Received) and record.ours]
    if not claims or len(BY_NAME[topic].writers) == 1:
        return list(records)
    written = await _written(connection, claims)
    return [
        record.unreadable(UNPROVEN)
        if isinstance(record, Received)
        and record.ours
        and written.get(record.event_id) != (pack(record.headers), record.body)
        else record
        for record in records
    ]


async def reject_forged(pool: asyncpg.Pool, records: Sequence[Record]) -> list[Record]:
    """Turn records of a higher generation that the journal does not prove into unreadable ones."""
    claims = [record for record in records if isinstance(record, Newer)]
    if not claims:
        return list(records)
    written = await _written(pool, claims)
    return [
        _forged(record)
        if isinstance(record, Newer) and written.get(record.event_id) != (record.headers, record.body)
        else record
        for record in records
    ]


def _forged(record: Newer) -> Unreadable:
    reason = f"it claims generation {record.generation}, this version reads {GENERATION}; {UNPROVEN}"
    return Unreadable(
        reason, record.source, record.organisation, record.key, record.headers, record.body, record.place
    )


async def _written(
    source: asyncpg.Pool | asyncpg.Connection, claims: Sequence[Received | Newer]
) -> dict[object, Written]:
    rows = await source.fetch(
        sql("events_written"),
        [claim.event_id for claim in claims],
        [_recorded_at(claim) for claim in claims],
        [bucket_of(claim.key or b"") for claim in claims],
    )
    return {row["event_id"]: (row["headers"], row["body"]) for row in rows}


def _recorded_at(claim: Received | Newer) -> datetime:
    if isinstance(claim, Newer):
        return claim.recorded_at
    try:
        return recorded_at(claim)
    except ValueError:
        return EPOCH
