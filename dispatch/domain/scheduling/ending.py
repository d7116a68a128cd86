"""The end of a mission: when its time is over, its responders are asked, then a supervisor is told, then it may end.

Only what is planned and no danger to life, a drill, and a notice end by the clock; anything else pages a supervisor
until a person or its source ends it. So does what is held or taken over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dispatch.domain.actors import RENFORT
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Assignment, Incident
from dispatch.domain.scheduling import timing
from dispatch.domain.supervising.escalation import ALONE, NOT_ENDED
from schemas.base import Engagement, Window
from schemas.incidents import IncidentClosed, IncidentEndMoved, IncidentOverdue, Outcome
from schemas.plans import Plan

ENDS_AFTER: Mapping[Engagement, timedelta] = {
    "dispatch": timedelta(hours=3),
    "crew": timedelta(hours=12),
    "notice": timedelta(days=1),
}
"""When a mission is over, outside the lane `planned`, for plans that do not say it in `ends_after_s`.

First responders hand over to the professionals well within an hour; a crew is out for a guard at most; after a day
nobody heeds a warning. Too long a time hides somebody who is missing, too short a one wakes people for nothing.
"""
PLANNED_ENDS_AFTER = timedelta(days=7)
"""The same in the lane `planned`, which is asked for days ahead: a guess, which such a plan should not rely on."""
TOLD_AFTER = timedelta(minutes=10)
"""How long responders have to answer before a supervisor is told."""
ENDS_ITSELF_AFTER = timedelta(hours=1)
"""How long after it was asked about a mission ends by itself, where it may."""
EXTENSION = timedelta(hours=1)
"""By how much the end moves when a responder says that it is not over yet, or a supervisor acts on it after its end."""


def ends_at(plan: Plan, window: Window | None, opened_at: datetime) -> datetime:
    """Return when a mission that is opened now should have ended: as said, else as can be guessed."""
    if (said := said_end(plan, window, opened_at)) is not None:
        return said
    planned = plan.lane == "planned" and plan.engagement != "notice"
    return opened_at + (PLANNED_ENDS_AFTER if planned else ENDS_AFTER[plan.engagement])


def said_end(plan: Plan, window: Window | None, opened_at: datetime) -> datetime | None:
    """Return when a mission ends by its window or its plan; null where nobody has said it."""
    if window is not None:
        return window.ends_at
    return None if plan.ends_after_s is None else opened_at + timedelta(seconds=plan.ends_after_s)


def due_at(incident: Incident) -> datetime | None:
    """Return when something is due because the time of the mission is over."""
    if incident.ended or incident.should_end_at is None:
        return None
    if incident.overdue_at is None:
        return incident.should_end_at
    moments = (_paged_at(incident), _told_at(incident), _ends_itself_at(incident))
    return min(filter(None, moments), default=None)


def end_if_due(decision: Decision) -> None:
    """Do what is due: ask the responders, tell a supervisor, or end the mission."""
    now = decision.now
    if not timing.is_due(due_at(decision.incident), now):
        return
    if decision.incident.overdue_at is None:
        _become_overdue(decision)
    if timing.is_due(_paged_at(decision.incident), now):
        decision.escalate(
            "alone_overdue", page=True, detail="alone, and nothing heard since the mission should have ended"
        )
    if timing.is_due(_told_at(decision.incident), now):
        page = _pages(decision.incident)
        decision.escalate("not_ended", page=page, level=None if page else 1, detail="its time is over")
    if timing.is_due(_ends_itself_at(decision.incident), now):
        _end(decision)


def extend(decision: Decision) -> None:
    """Move the end of an overdue mission: somebody has said that it goes on."""
    incident = decision.incident
    if incident.overdue_at is None or incident.ended:
        return
    later = decision.now + EXTENSION
    decision.add(IncidentEndMoved(at=decision.now, incident_id=incident.id, should_end_at=later))
    decision.resolve({NOT_ENDED, ALONE}, "it goes on")


def finished(incident: Incident) -> bool:
    """Return whether nobody is bound any more by what was covered, or by what should have ended and somebody did."""
    done = incident.covered_at is not None or (incident.overdue_at is not None and _somebody_came(incident))
    return incident.status == "open" and done and not any(incident.active())


def _become_overdue(decision: Decision) -> None:
    """Record that the time is over, with the responders to ask; nobody is asked of what is held or taken over."""
    incident = decision.incident
    asked = () if incident.status != "open" else tuple(sorted(one.volunteer_id for one in _out(incident)))
    decision.add(IncidentOverdue(at=decision.now, incident_id=incident.id, asked=asked))


def _out(incident: Incident) -> list[Assignment]:
    return [] if incident.engagement == "notice" else list(incident.active())


def _paged_at(incident: Incident) -> datetime | None:
    """Return since when a page is due about somebody who is out there alone."""
    out = _out(incident)
    alone = len(out) == 1 and out[0].status in ("en_route", "on_scene")
    return incident.overdue_at if alone and incident.open_escalation(ALONE) is None else None


def _told_at(incident: Incident) -> datetime | None:
    """Return when a supervisor is to be told, or paged where they were only told."""
    if incident.overdue_at is None or _is_told(incident):
        return None
    if incident.status != "open":
        return incident.overdue_at
    if incident.engagement == "notice":
        return None
    return incident.overdue_at + (TOLD_AFTER if _out(incident) else timedelta())


def _is_told(incident: Incident) -> bool:
    known = incident.open_escalation(NOT_ENDED)
    return known is not None and (known.page or not _pages(incident))


def _ends_itself_at(incident: Incident) -> datetime | None:
    if incident.overdue_at is None or _pages(incident):
        return None
    return incident.overdue_at + (timedelta() if incident.engagement == "notice" else ENDS_ITSELF_AFTER)


def _pages(incident: Incident) -> bool:
    """Return whether only a person or the source ends it."""
    if incident.status != "open":
        return True
    if incident.engagement == "notice" or incident.lane == "drill":
        return False
    return incident.lane != "planned" or incident.severity == "life_threatening"


def _end(decision: Decision) -> None:
    """End a mission of which nobody said how it went; those who are out there alone are still looked for."""
    incident = decision.incident
    outcome = _outcome(incident)
    decision.withdraw("closed")
    decision.release_all("done" if incident.engagement == "notice" else "closed")
    decision.resolve({one.reason for one in incident.open_escalations()} - {ALONE}, "closed")
    decision.add(
        IncidentClosed(
            at=decision.now, incident_id=incident.id, by=RENFORT, reason="time is over", outcome=outcome
        )
    )


def _outcome(incident: Incident) -> Outcome:
    if not _somebody_came(incident):
        return "nobody_came"
    return "done" if incident.engagement == "notice" else "unreported"


def _somebody_came(incident: Incident) -> bool:
    """Return whether a seat is held by somebody who comes, or who is released with the task done."""
    return any(seat.assignment_id is not None for seat in incident.seats)
