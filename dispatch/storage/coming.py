"""Who may come to an incident, as the statements take them that look whether they can."""

from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from dispatch.domain.answering.overlaps import time_taken
from dispatch.domain.incident import Incident
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
