"""Parked records: those that could not be handled. Their bytes stay in Postgres; the topic `parking` announces them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.storage import journal
from dispatch.storage.queries import bound, columns
from schemas.decoding import UNKNOWN_ORGANISATION, Unreadable
from schemas.ids import new_id
from schemas.notifications import Parked

LONGEST_REASON = 500
LARGEST_PARKED = 1024 * 1024
"""The bytes of a body that are stored: as many as Kafka accepts, of one that was compressed the beginning."""


@dataclass(frozen=True, slots=True)
class Parking:
    """One message that was parked."""

    id: UUID
    consumer: str
    topic: str
    organisation: UUID
    source: str
    reason: str
    size: int


class ParkingRow(NamedTuple):
    """A message as a row of the query `park`."""

    id: UUID
    organisation: UUID | None
    source: str
    reason: str
    key: bytes | None
    headers: bytes
    body: bytes | None


async def park(
    connection: asyncpg.Connection, consumer: str, topic: str, items: Sequence[Unreadable], now: datetime
) -> list[Parking]:
    """Store the bytes and append a `Parked` event for each; return those that were not parked before."""
    # The id is published on a topic: an id derived from the bytes would let readers guess their content.
    by_id = {new_id(): item for item in items}
    rows = [
        ParkingRow(
            id_,
            item.organisation,
            item.source,
            item.reason[:LONGEST_REASON],
            item.key,
            item.headers,
            None if item.body is None else item.body[:LARGEST_PARKED],
        )
        for id_, item in by_id.items()
    ]
    query = bound("park", consumer=consumer, topic=topic, parked_at=now, **columns(ParkingRow, rows))
    fresh = {row["id"] for row in await connection.fetch(*query)}
    parked = [_parking(id_, consumer, topic, by_id[id_]) for id_ in sorted(fresh)]
    await journal.append(connection, [_entry(parking, now) for parking in parked], now, new=fresh)
    return parked


def _parking(id_: UUID, consumer: str, topic: str, item: Unreadable) -> Parking:
    reason, size = item.reason[:LONGEST_REASON], len(item.body or b"")
    return Parking(id_, consumer, topic, item.organisation or UNKNOWN_ORGANISATION, item.source, reason, size)


def _entry(parking: Parking, now: datetime) -> journal.Entry:
    event = Parked(
        at=now, parking_id=parking.id, source_topic=parking.topic, reason=parking.reason, size=parking.size
    )
    return journal.Entry(parking.id, event, parking.organisation, "actual", parking.topic, now, now)
