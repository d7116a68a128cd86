"""A window that its source moves."""

from uuid import UUID

from dispatch.domain.decision import Decision
from schemas.base import Window
from schemas.incidents import IncidentRescheduled


def move(decision: Decision, report_id: UUID, window: Window) -> None:
    """Record another window."""
    decision.add(
        IncidentRescheduled(
            at=decision.now, incident_id=decision.incident.id, report_id=report_id, window=window
        )
    )
