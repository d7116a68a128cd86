"""Whether Renfort wrote what it should have: on a topic that others write too, only the journal can tell.

An event's name follows from its stream and its place there. A stranger who knows what a source will call its report
could use the name first, and the report itself would pass for a repetition.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dispatch.storage.chain import bucket_of
from dispatch.storage.queries import sql
from schemas.envelope import EPOCH, Received, Unreadable, from_outside, pack, recorded_at
from schemas.topics import BY_NAME

FOREIGN = "only Renfort writes on this topic: who else may?"
REASON = "it says that Renfort wrote it, and the journal has no such event"

Record = Received | Unreadable


async def sift(connection: asyncpg.Connection, topic: str, records: Sequence[Record]) -> list[Record]:
    """Give up on what is not ours, or only says so, before its name is noted; all else stays as it is."""
    if not from_outside(topic):
        return [
            record.unreadable(FOREIGN) if isinstance(record, Received) and not record.ours else record
            for record in records
        ]
    claims = [record for record in records if isinstance(record, Received) and record.ours]
    if not claims or not _is_shared(topic):
        return list(records)
    rows = await connection.fetch(
        sql("events_written"), [record.event_id for record in claims],
        [_recorded_at(record) for record in claims], [bucket_of(record.key) for record in claims],
    )  # fmt: skip
    written = {row["event_id"]: (row["headers"], row["body"]) for row in rows}
    return [
        record.unreadable(REASON)
        if isinstance(record, Received) and record.ours and written.get(record.event_id) != _bytes(record)
        else record
        for record in records
    ]


def _is_shared(topic: str) -> bool:
    return len(BY_NAME[topic].writers) > 1


def _bytes(record: Received) -> tuple[bytes, bytes | None]:
    return pack(record.headers), record.body


def _recorded_at(record: Received) -> datetime:
    try:
        return recorded_at(record)
    except ValueError:
        return EPOCH
