"""Positions heard from trackers: the newest of each volunteer is kept; the next one makes good a loss."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.incidents.parking_alerts import tell
from dispatch.services.people.volunteers import Move, set_positions
from dispatch.storage import parking
from dispatch.storage.queries import sql
from schemas.envelope import Received, Unreadable
from schemas.volunteers import PositionMoved

TOPIC, CONSUMER = "volunteer.positions", "positions"
FUTURE = timedelta(minutes=5)
"""How far a tracker's clock may run ahead of ours."""

Last = dict[UUID, tuple[UUID, Move]]
"""By volunteer: the organisation that was named, and where to."""

log = structlog.get_logger()


async def hear(
    connection: asyncpg.Connection, records: Sequence[Received | Unreadable], now: datetime
) -> None:
    """Work a batch in its order, one write for each volunteer; heard again it changes nothing."""
    last, gone = _coalesce([record for record in records if isinstance(record, Received)], now)
    if gone:
        await connection.execute(sql("forget_live_positions"), sorted(gone))
    moves: dict[UUID, list[Move]] = defaultdict(list)
    for organisation, move in last.values():
        moves[organisation].append(move)
    for organisation in sorted(moves):
        # A tracker moves only the people of the organisation that it speaks for.
        await set_positions(connection, moves[organisation], now, organisation)
    await _park(connection, [record for record in records if isinstance(record, Unreadable)], now)


def _coalesce(records: Sequence[Received], now: datetime) -> tuple[Last, set[UUID]]:
    """Give the last position of each volunteer, and those whose earlier ones end."""
    gone: set[UUID] = set()
    last: Last = {}
    for record in records:
        if record.body is None:
            left = _named(record.key)
            gone |= left
            last = {who: move for who, move in last.items() if who not in left}
        elif isinstance(record.data, PositionMoved):
            _keep(last, record.organisation, record.data, now)
    return last, gone


def _keep(last: Last, organisation: UUID, moved: PositionMoved, now: datetime) -> None:
    who, before = moved.volunteer_id, last.get(moved.volunteer_id)
    if moved.recorded_at > now + FUTURE:
        log.warning("a position from the future is left out", volunteer=str(who))
    elif before is None or before[1].recorded_at < moved.recorded_at:
        last[who] = (organisation, Move(who, moved.lat, moved.lon, moved.recorded_at))


def _named(key: bytes) -> set[UUID]:
    """Read whose position ends; a key that names nobody ends nothing."""
    try:
        return {UUID(key.decode())}
    except ValueError:
        return set()


async def _park(connection: asyncpg.Connection, items: Sequence[Unreadable], now: datetime) -> None:
    if items:
        await tell(connection, await parking.park(connection, CONSUMER, TOPIC, items, now), now)
