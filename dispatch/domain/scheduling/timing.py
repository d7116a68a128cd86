"""When people may be asked, reminded and told: ahead of a window, and never in quiet hours.

Quiet hours hold back what is planned. What is urgent or life-threatening, and every safety message, keeps none.
"""

from datetime import datetime, time, timedelta

from dispatch.domain.incident import Incident
from dispatch.domain.scheduling.local_time import at_local, local
from schemas.base import Lane
from schemas.plans import Quiet, QuietHours

EVENING = timedelta(minutes=30)
"""How long before quiet hours what would fall into them is sent."""
NIGHT = QuietHours.model_validate({"from": "21:00", "to": "08:00"})
"""The quiet hours of a planned mission whose plan names none."""


def is_due(at: datetime | None, now: datetime) -> bool:
    """Return whether something is due whose time, if it has one, is `at`."""
    return at is not None and at <= now


def quiet_hours(lane: Lane, quiet: Quiet | None) -> QuietHours | None:
    """Return the quiet hours of a plan; null where it keeps none."""
    return None if lane != "planned" or quiet == "off" else quiet or NIGHT


def once_begun(incident: Incident, at: datetime) -> datetime:
    """Return `at`, or the start of the window where that is later: nobody is awaited before it."""
    return at if incident.window is None else max(at, incident.window.starts_at)


def asks_at(incident: Incident, at: datetime) -> datetime | None:
    """Return the earliest time from `at` on at which people may be asked; null once its window is over."""
    if incident.window is None:
        return awake_at(incident, at)
    ahead = incident.plan.ask_ahead_s
    starts_at = at if ahead is None else max(at, incident.window.starts_at - timedelta(seconds=ahead))
    found = awake_at(incident, starts_at)
    return found if found < incident.window.ends_at else None


def awake_at(incident: Incident, at: datetime) -> datetime:
    """Return the earliest time from `at` on that lies outside the incident's quiet hours."""
    hours = _hours(incident)
    return at if hours is None or incident.zone is None else resumes_at(hours, incident.zone, at)


def known_at(incident: Incident, at: datetime) -> datetime:
    """Return when a supervisor is told: like anybody else, but never only after the window has started."""
    found, window = awake_at(incident, at), incident.window
    return at if window is not None and window.starts_at <= found else found


def awake_before(incident: Incident, at: datetime) -> datetime:
    """Return `at`, or half an hour before the quiet hours in which it lies."""
    hours, zone = _hours(incident), incident.zone
    if hours is None or zone is None or resumes_at(hours, zone, at) == at:
        return at
    return _next(hours.starts, zone, at - timedelta(days=1)) - EVENING


def steps_from(incident: Incident) -> datetime:
    """Return when the steps begin to count: when people are asked, but at once where that is after the start."""
    asked_at = asks_at(incident, incident.armed_at)
    if asked_at is None or (incident.window is not None and incident.window.starts_at <= asked_at):
        return incident.armed_at
    return asked_at


def awake_after(incident: Incident, at: datetime, length: timedelta) -> datetime:
    """Return the end of a span that begins at `at` and does not run during quiet hours."""
    hours, zone = _hours(incident), incident.zone
    if hours is None or zone is None:
        return at + length
    at = resumes_at(hours, zone, at)
    while at + length > (begins_at := _next(hours.starts, zone, at)):
        length -= begins_at - at
        at = resumes_at(hours, zone, begins_at)
    return at + length


def answer_by(incident: Incident, at: datetime) -> datetime:
    """Return until when somebody who is asked at `at` may answer."""
    return awake_after(incident, at, timedelta(seconds=incident.plan.offers.window_s))


def resumes_at(hours: QuietHours, zone: str, at: datetime) -> datetime:
    """Return the end of the quiet hours in which `at` lies; `at` itself where it lies in none."""
    now, starts, ends = (
        local(at, zone).time(),
        time.fromisoformat(hours.starts),
        time.fromisoformat(hours.ends),
    )
    quiet = starts <= now < ends if starts < ends else now >= starts or now < ends
    return _next(hours.ends, zone, at) if quiet else at


def _hours(incident: Incident) -> QuietHours | None:
    if incident.zone is None or incident.severity == "life_threatening":
        return None
    return quiet_hours(incident.plan.lane, incident.plan.quiet)


def _next(clock: str, zone: str, after: datetime) -> datetime:
    """Return the next moment at which the clock of a zone shows a time."""
    day, wanted = local(after, zone).date(), time.fromisoformat(clock)
    found = at_local(day, wanted, zone)
    return found if found > after else at_local(day + timedelta(days=1), wanted, zone)
