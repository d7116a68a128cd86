"""Windows: when people are needed where not now, and which windows are refused."""

from datetime import datetime, timedelta

from dispatch.domain.scheduling.local_time import local, written
from schemas.base import Window
from schemas.volunteers import Language

FARTHEST = timedelta(days=366)
"""A window that ends later is a mistake in the year."""
DAYS: dict[Language, tuple[str, ...]] = {
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Written out in English, which puts the month first in some countries and the day in others."""
NEAR: dict[Language, tuple[str, ...]] = {"fr": ("aujourd'hui", "demain"), "en": ("today", "tomorrow")}


def fault(window: Window, now: datetime) -> str | None:
    """Return why a window is impossible, and the remedy; None where it is possible."""
    if window.ends_at <= now:
        return "the window is over: check its date and the zone of the source"
    if window.ends_at > now + FARTHEST:
        return "the window ends more than a year from now: check its year"
    return None


def in_words(window: Window, zone: str, now: datetime, language: Language) -> str:
    """Return a window as people say it on the clock of a zone: `demain 7 h 30-12 h`, `tomorrow 7:30-12:00`."""
    start, end = local(window.starts_at, zone), local(window.ends_at, zone)
    today = local(now, zone)
    first = f"{_day(start, today, language)} {_time(start, language)}"
    if start.date() == end.date():
        return f"{first}-{_time(end, language)}"
    return f"{first} - {_day(end, today, language)} {_time(end, language)}"


def _day(moment: datetime, today: datetime, language: Language) -> str:
    days = (moment.date() - today.date()).days
    if 0 <= days < len(NEAR[language]):
        return NEAR[language][days]
    day = f"{DAYS[language][moment.weekday()]} {moment.day}"
    return f"{day}/{moment.month:02}" if language == "fr" else f"{day} {MONTHS[moment.month - 1]}"


def _time(moment: datetime, language: Language) -> str:
    if language == "en":
        return written(moment, "%H:%M", language)
    return written(moment, f"{moment.hour} h" + (" %M" if moment.minute else ""), language)
