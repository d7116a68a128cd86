"""Moments as the clock of a place shows them, unambiguous in the hour that comes twice when clocks go back."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from schemas.volunteers import Language

SUMMER: dict[Language, str] = {"fr": "heure d'été", "en": "summer time"}
WINTER: dict[Language, str] = {"fr": "heure d'hiver", "en": "winter time"}


def local(moment: datetime, zone: str) -> datetime:
    """Return a moment on the clock of a time zone."""
    return moment.astimezone(ZoneInfo(zone))


def written(here: datetime, pattern: str, language: Language) -> str:
    """Write a local moment; where its clock shows that time twice, add which of the two it is."""
    text = here.strftime(pattern)
    other = here.replace(fold=1 - here.fold)
    before, after = here.utcoffset(), other.utcoffset()
    if before is None or after is None or before == after:
        return text
    return f"{text} ({(SUMMER if before > after else WINTER)[language]})"


def at_local(day: date, clock: time, zone: str) -> datetime:
    """Return the moment, in UTC, at which the clock of a place shows a time on a day."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)
