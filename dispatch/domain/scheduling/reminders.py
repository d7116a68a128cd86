"""Reminders: those who said yes to a mission that comes later are told again before it begins.

One that would fall into quiet hours comes half an hour before them, in the evening.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dispatch.domain.decision import Decision
from dispatch.domain.incident import Assignment, Incident
from dispatch.domain.scheduling import timing
from schemas.base import Window
from schemas.offers import Reminded

BEFORE_S = (86_400, 7_200)
"""How long before a window people are reminded, for plans that do not say it in `remind_before_s`."""


def due_at(incident: Incident) -> datetime | None:
    """Return when the next responder is to be reminded."""
    return min((at for _, at in _due(incident)), default=None)


def remind(decision: Decision) -> None:
    """Remind those whose time has come; after an outage once, and nobody of what has begun."""
    for assignment in [one for one, at in _due(decision.incident) if at <= decision.now]:
        decision.add(
            Reminded(
                at=decision.now, incident_id=decision.incident.id, assignment_id=assignment.id,
                offer_id=assignment.offer_id, volunteer_id=assignment.volunteer_id,
            )
        )  # fmt: skip


def _due(incident: Incident) -> Iterator[tuple[Assignment, datetime]]:
    """Yield those who come, each with the time of their next reminder."""
    if incident.window is None or incident.status != "open" or incident.engagement == "notice":
        return
    moments = _moments(incident, incident.window)
    for one in incident.active():
        known = one.reminded_at or one.assigned_at
        after = [at for at in moments if at > known]
        if one.status == "assigned" and one.doubted_until is None and after:
            yield one, after[0]


def _moments(incident: Incident, window: Window) -> list[datetime]:
    before_s = incident.plan.remind_before_s
    lengths = BEFORE_S if before_s is None else before_s
    return sorted(timing.awake_before(incident, window.starts_at - timedelta(seconds=one)) for one in lengths)
