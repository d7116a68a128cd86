"""Handler of `volunteer.positions`: stores what trackers publish. A lost position is replaced by the next one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.people.members import people_of
from dispatch.services.people.positions import PositionFix, write_positions
from dispatch.storage import parking
from dispatch.storage.queries import sql
from schemas.decoding import Received, Unreadable
from schemas.volunteers import PositionMoved

TOPIC, CONSUMER = "volunteer.positions", "positions"
MAX_AHEAD = timedelta(minutes=5)
"""How far a tracker's clock may run ahead of ours."""

LatestFixes = dict[UUID, tuple[UUID, PositionFix]]
"""By volunteer: the organisation that the tracker named, and the latest fix."""

log = structlog.get_logger()


async def handle_positions(
    connection: asyncpg.Connection, records: Sequence[Received | Unreadable], now: datetime
) -> None:
    """Handle a batch in its order, with one write per volunteer; a redelivered batch changes nothing."""
    latest, ended = _coalesce([record for record in records if isinstance(record, Received)], now)
    if ended:
        await connection.execute(sql("delete_live_positions"), sorted(ended))
        await connection.execute(sql("delete_live_positions_of_members"), sorted(ended))
    fixes: dict[UUID, list[PositionFix]] = defaultdict(list)
    for organisation, fix in latest.values():
        fixes[organisation].append(fix)
    for organisation in sorted(fixes):
        # A tracker may move only members of the organisation that it names.
        people = await _by_pseudonym(connection, organisation, fixes[organisation])
        await write_positions(connection, people, now, organisation)
    await _park(connection, [record for record in records if isinstance(record, Unreadable)], now)


def _coalesce(records: Sequence[Received], now: datetime) -> tuple[LatestFixes, set[UUID]]:
    """Return the last fix of each volunteer, and the volunteers whose earlier position a tombstone deletes."""
    ended: set[UUID] = set()
    latest: LatestFixes = {}
    for record in records:
        if record.body is None:
            named = _volunteers_of(record.key)
            ended |= named
            latest = {who: fix for who, fix in latest.items() if who not in named}
        elif isinstance(record.data, PositionMoved):
            _add(latest, record.organisation, record.data, now)
    return latest, ended


def _add(latest: LatestFixes, organisation: UUID, moved: PositionMoved, now: datetime) -> None:
    who, before = moved.volunteer_id, latest.get(moved.volunteer_id)
    if moved.lat == moved.lon == 0:
        log.warning("position discarded: 0,0 means that the receiver has none", volunteer=str(who))
    elif moved.recorded_at > now + MAX_AHEAD:
        log.warning("position discarded: recorded in the future", volunteer=str(who))
    elif before is None or before[1].recorded_at < moved.recorded_at:
        latest[who] = (organisation, PositionFix(who, moved.lat, moved.lon, moved.recorded_at))


async def _by_pseudonym(
    connection: asyncpg.Connection, organisation: UUID, fixes: Sequence[PositionFix]
) -> list[PositionFix]:
    """Return fixes that name the person, where the tracker names the member of its organisation."""
    people = await people_of(connection, organisation, {fix.volunteer_id for fix in fixes})
    return [replace(fix, volunteer_id=people.get(fix.volunteer_id, fix.volunteer_id)) for fix in fixes]


def _volunteers_of(key: bytes) -> set[UUID]:
    """Return the volunteer that a tombstone's key names; none for a key that is no id."""
    try:
        return {UUID(key.decode())}
    except ValueError:
        return set()


async def _park(connection: asyncpg.Connection, items: Sequence[Unreadable], now: datetime) -> None:
    if items:
        await raise_parking_alerts(
            connection, await parking.park(connection, CONSUMER, TOPIC, items, now), now
        )
