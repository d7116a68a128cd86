"""Skills end: one that is asked for must be valid until the people are no longer needed."""

from datetime import datetime, timedelta

from dispatch.domain.incident import Incident


def needed_until(incident: Incident, now: datetime) -> datetime:
    """Return until when skills must be valid: the end of the window, or what the plan says in `ends_after_s`; else now.

    An end that nobody has said is a guess, for which nobody is left out.
    """
    if incident.window is not None:
        return max(incident.window.ends_at, now)
    if incident.plan.ends_after_s is not None:
        return max(incident.opened_at + timedelta(seconds=incident.plan.ends_after_s), now)
    return now
