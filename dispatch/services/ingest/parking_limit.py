"""The limit of what is parked of records that others write on Renfort's topics: a flood of them fills no disk.

Genuine events are in the journal with their bytes, so nothing is lost by it. Reports from outside have no limit.
"""

from collections.abc import Sequence

import asyncpg
import structlog

from dispatch.metrics import UNPARKED
from dispatch.services.ingest.provenance import FOREIGN, UNPROVEN
from dispatch.services.ingest.restore_fence import LOST
from dispatch.storage.queries import sql
from schemas.decoding import ILLEGIBLE, Unreadable

MOST_FORGED, MOST_LOST = 20, 10_000
LIMITS = {FOREIGN: MOST_FORGED, UNPROVEN: MOST_FORGED, ILLEGIBLE: MOST_FORGED, LOST: MOST_LOST}
"""The most unresolved records of one consumer and topic, by their reason. Anybody can claim to be lost by a restore."""

log = structlog.get_logger()


async def within_limit(
    connection: asyncpg.Connection, consumer: str, topic: str, items: Sequence[Unreadable]
) -> list[Unreadable]:
    """Return the items to park; those beyond the limit are counted and logged."""
    limited = LIMITS.keys() & {item.reason for item in items}
    if not limited:
        return list(items)
    rows = await connection.fetch(sql("count_unresolved_parking"), consumer, topic, sorted(limited))
    room = LIMITS | {row["reason"]: LIMITS[row["reason"]] - row["count"] for row in rows}
    kept = [item for item in items if item.reason not in limited or _fits(room, item.reason)]
    if len(kept) < len(items):
        UNPARKED.labels(consumer).inc(len(items) - len(kept))
        log.error(
            "records dropped: enough of their kind are parked",
            consumer=consumer, topic=topic, records=len(items) - len(kept), reasons=sorted(limited),
        )  # fmt: skip
    return kept


def _fits(room: dict[str, int], reason: str) -> bool:
    room[reason] -= 1
    return room[reason] >= 0
