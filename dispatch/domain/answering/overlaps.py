"""Which missions of one person exclude each other: those of a lane whose times overlap.

An urgent one and a drill last from now on; a planned one lasts for its window; a notice takes no time.
"""

from datetime import datetime

from dispatch.domain.incident import Assignment, Incident

Span = tuple[datetime | None, datetime | None]
"""From when to when, each end open where it is null."""
ALWAYS: Span = (None, None)


def is_limited(incident: Incident) -> bool:
    """Return whether a mission excludes others only at its time: what is planned, unless release 0.1.0 opened it."""
    return incident.lane == "planned" and incident.zone is not None


def time_taken(incident: Incident) -> Span:
    """Return the time that a mission takes of whoever is assigned to it."""
    if not is_limited(incident):
        return ALWAYS
    if incident.engagement == "notice":
        return incident.opened_at, incident.opened_at
    return (incident.window.starts_at, incident.window.ends_at) if incident.window else ALWAYS


def clash(held: Assignment, wanted: Incident) -> bool:
    """Return whether somebody who is assigned in the lane of an incident cannot be assigned to it too."""
    return wanted.lane != "planned" or _overlap((held.busy_from, held.busy_until), time_taken(wanted))


def _overlap(one: Span, other: Span) -> bool:
    if one[0] == one[1] is not None or other[0] == other[1] is not None:
        return False
    return _before(one[0], other[1]) and _before(other[0], one[1])


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
