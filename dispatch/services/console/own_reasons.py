"""Why one volunteer was or was not asked lately: for themselves, and for the supervisors whom they ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.matching.selection import Gate
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.packed_reasons import reasons_of
from dispatch.storage.queries import bound

LATELY = timedelta(days=7)
MOST = 50


@dataclass(frozen=True, slots=True)
class OwnReason:
    """One round that found the volunteer: no gates where they were picked. It does not tell what had happened."""

    at: datetime
    distance_m: int
    gates: Gate

    @property
    def picked(self) -> bool:
        """Return whether the volunteer was picked."""
        return not self.gates


async def own_reasons(
    uow: UnitOfWork, organisation: UUID, volunteer_id: UUID, lately: timedelta = LATELY
) -> list[OwnReason]:
    """Return the rounds of the last days that found a volunteer, the latest first; at most fifty, of the last 2,000."""
    query = bound(
        "rounds_about", organisation=organisation, volunteer=str(volunteer_id), bytes=volunteer_id.bytes,
        since=uow.clock.now() - lately, most=MOST,
    )  # fmt: skip
    return [reason for row in await uow.pool.fetch(*query) for reason in _about(row, volunteer_id)]


def _about(row: asyncpg.Record, volunteer_id: UUID) -> Iterator[OwnReason]:
    for who, _role, metres in row["picked"]:
        if UUID(who) == volunteer_id:
            yield OwnReason(row["at"], metres, Gate(0))
    for one in reasons_of(row):
        if one.volunteer_id == volunteer_id:
            yield OwnReason(row["at"], one.distance_m, Gate(one.gates))
