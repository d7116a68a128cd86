"""Skills end: one that is asked for must be valid until the people are no longer needed."""

from datetime import datetime

from dispatch.domain.incident import Incident
from dispatch.domain.scheduling.ending import said_end


def needed_until(incident: Incident, now: datetime) -> datetime:
    """Return until when skills must be valid: the end of the window, or what the plan says in `ends_after_s`; else now.

    An end that nobody has said is a guess, for which nobody is left out.
    """
    end = said_end(incident.plan, incident.window, incident.opened_at)
    return now if end is None else max(end, now)
