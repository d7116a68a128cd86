"""A window that its source moves: everybody with a seat is told, and asked again."""

from uuid import UUID

from dispatch.domain.answering import doubts
from dispatch.domain.decision import Decision
from schemas.base import Window
from schemas.incidents import IncidentRescheduled


def move(decision: Decision, report_id: UUID, window: Window) -> None:
    """Record another window; whoever said yes to the one before keeps the seat in doubt until they confirm."""
    decision.add(
        IncidentRescheduled(
            at=decision.now, incident_id=decision.incident.id, report_id=report_id, window=window
        )
    )
    for assignment in list(decision.incident.active()):
        doubts.doubt_after_move(decision, assignment)
