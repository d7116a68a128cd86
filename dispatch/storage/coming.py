"""Who may come to an incident, as the statements take them that look whether they can, and who cannot."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

import asyncpg

from dispatch.domain.answering.overlaps import time_taken
from dispatch.domain.incident import Incident
from dispatch.storage.queries import sql
from schemas.base import Lane


class Coming(NamedTuple):
    """Somebody who may come to an incident, with the time that the mission takes."""

    volunteer_id: UUID
    organisation: UUID
    lane: Lane
    incident_id: UUID
    busy_from: datetime | None
    busy_until: datetime | None

    @classmethod
    def to(cls, incident: Incident, volunteer_id: UUID) -> Self:
        """Return a volunteer who may come to an incident."""
        return cls(volunteer_id, incident.organisation, incident.lane, incident.id, *time_taken(incident))


async def engaged(connection: asyncpg.Connection, coming: Sequence[Coming]) -> frozenset[UUID]:
    """Return those who are assigned in the lane and the time of the incident to which they would come."""
    if not coming:
        return frozenset()
    wanted = [(one.volunteer_id, one.lane, one.busy_from, one.busy_until) for one in coming]
    rows = await connection.fetch(sql("engaged_in_lanes"), *map(list, zip(*wanted, strict=True)))
    return frozenset(row["volunteer_id"] for row in rows)
