"""Which missions of one person exclude each other: those of a lane whose times overlap.

An urgent one and a drill last from now on; a planned one lasts for its window; a notice takes no time.
"""

from datetime import datetime

from dispatch.domain.incident import Assignment, Incident

Span = tuple[datetime | None, datetime | None]
"""From when to when, each end open where it is null."""
ALWAYS: Span = (None, None)


def time_taken(incident: Incident) -> Span:
    """Return the time that a mission takes of whoever is assigned to it."""
    if incident.zone is None or incident.lane != "planned":
        # Opened by release 0.1.0, to which planned missions exclude each other always, or asked for now.
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
