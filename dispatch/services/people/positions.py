"""Live positions of volunteers: the newest of each person is stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.matching.geo import mercator
from dispatch.storage.queries import bound, columns

MAX_AGE = timedelta(days=1)
"""Older positions are discarded."""


@dataclass(frozen=True, slots=True)
class PositionFix:
    """A volunteer's position, in degrees, and when it was measured."""

    volunteer_id: UUID
    lat: float
    lon: float
    recorded_at: datetime


class FixRow(NamedTuple):
    """A fix as `write_live_positions` takes it, with its Web-Mercator metres."""

    volunteer_id: UUID
    x: float
    y: float
    lat: float
    lon: float
    recorded_at: datetime


async def write_positions(
    connection: asyncpg.Connection,
    fixes: Iterable[PositionFix],
    now: datetime,
    organisation: UUID,
) -> set[UUID]:
    """Store the newest fix of each volunteer; return those who are on the organisation's roster."""
    newest: dict[UUID, PositionFix] = {}
    for fix in sorted(fixes, key=lambda fix: fix.recorded_at):
        if fix.recorded_at > now - MAX_AGE:
            newest[fix.volunteer_id] = fix
    rows = [
        # A clock that runs ahead must not make later fixes look old.
        FixRow(fix.volunteer_id, *mercator(fix.lat, fix.lon), fix.lat, fix.lon, min(fix.recorded_at, now))
        for fix in newest.values()
    ]
    query = bound("write_live_positions", organisation=organisation, **columns(FixRow, rows))
    members = await connection.fetch(*query)
    return {row["volunteer_id"] for row in members}
