"""Why one volunteer was or was not asked lately: for themselves, and for the supervisors whom they ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatch.domain.matching.selection import Gate
from dispatch.services.console.shown_gates import TimedReason, shown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.packed_reasons import Reason, reasons_of
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
    return [_own(at, one) for at, one in await _found(uow, organisation, volunteer_id, lately)]


async def reasons_for_supervisors(
    uow: UnitOfWork, organisation: UUID, volunteer_id: UUID, lately: timedelta = LATELY
) -> list[OwnReason]:
    """Return the same rounds as the organisation may read them: without what another one asked of the volunteer."""
    found = await _found(uow, organisation, volunteer_id, lately)
    reasons = await shown(uow.pool, organisation, found)
    return [_own(at, one) for (at, _), one in zip(found, reasons, strict=True)]


async def _found(
    uow: UnitOfWork, organisation: UUID, volunteer_id: UUID, lately: timedelta
) -> list[TimedReason]:
    query = bound(
        "rounds_about", organisation=organisation, volunteer=str(volunteer_id), bytes=volunteer_id.bytes,
        since=uow.clock.now() - lately, most=MOST,
    )  # fmt: skip
    return [one for row in await uow.pool.fetch(*query) for one in _about(row, volunteer_id)]


def _own(at: datetime, reason: Reason) -> OwnReason:
    return OwnReason(at, reason.distance_m, Gate(reason.gates))


def _about(row: asyncpg.Record, volunteer_id: UUID) -> Iterator[TimedReason]:
    for who, _role, metres in row["picked"]:
        if UUID(who) == volunteer_id:
            yield row["at"], Reason(volunteer_id, metres, 0)
    for one in reasons_of(row):
        if one.volunteer_id == volunteer_id:
            yield row["at"], one
