"""The dates of a roster as people type them, the day before the month, in French or English."""

import re
from datetime import date

from dispatch.services.core.csv_tables import folded
from dispatch.services.core.errors import InvalidError

OLDEST = 110
"""Years: an older birth date is a spreadsheet's zero, or a typing error."""
YOUNGEST = 16
"""Years: a younger birth date is probably a typing error, or the day of joining."""
CENTURY = 100
EMPTY = "leave it empty for people who are on the roster already"
MONTHS = (
    "jan janv janvier january", "feb fev fevr fevrier february", "mar mars march", "apr avr avril april",
    "may mai", "jun juin june", "jul juil juillet july", "aug aout august", "sep sept septembre september",
    "oct octobre october", "nov novembre november", "dec decembre december",
)  # fmt: skip
MONTH_NUMBERS = {word: number for number, words in enumerate(MONTHS, start=1) for word in words.split()}
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
DAY_FIRST = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d\d)")
WORDED = re.compile(r"(\d{1,2})(?:er)?_([a-z]+)_(\d{4})")
MIDNIGHT = re.compile(r"[T ]+00?:00(:00(\.0+)?)?Z?$")


def read_birth_date(text: str, today: date) -> date:
    """Return a date of birth; raises InvalidError for one that nobody alive can have."""
    born = read_date(text, "birth_date", today)
    check_birth_date(born, today)
    return born


def check_birth_date(born: date, today: date) -> None:
    """Raise InvalidError for a birth date in the future or long ago: it is a typing error."""
    if born > today:
        raise InvalidError("birth_date", "in the future")
    if born.year < today.year - OLDEST:
        raise InvalidError("birth_date", f"more than {OLDEST} years ago: compare the year")


def is_young(born: date, today: date) -> bool:
    """Return whether somebody born on this day would be younger than volunteers are."""
    return (today.year - born.year, (today.month, today.day)) < (YOUNGEST, (born.month, born.day))


def read_date(text: str, field: str, today: date) -> date:
    """Return a date from 1980-12-31, 31/12/1980 or 31 décembre 1980; raises InvalidError."""
    spelt = MIDNIGHT.sub("", text.strip().lstrip("'’"))
    year, month, day = _parts(spelt, field, today)
    try:
        return date(year, month, day)
    except ValueError:
        raise InvalidError(
            field, "no such day: write 31/12/1980 or 1980-12-31, the day before the month"
        ) from None


def _parts(spelt: str, field: str, today: date) -> tuple[int, int, int]:
    if found := ISO.fullmatch(spelt):
        return int(found[1]), int(found[2]), int(found[3])
    if found := DAY_FIRST.fullmatch(spelt):
        return _year(found[3], today), int(found[2]), int(found[1])
    if (found := WORDED.fullmatch(folded(spelt))) and found[2] in MONTH_NUMBERS:
        return int(found[3]), MONTH_NUMBERS[found[2]], int(found[1])
    if spelt.replace(",", ".").removesuffix(".0") == "0":
        raise InvalidError(field, f"0 is a spreadsheet's empty date: write 31/12/1980, or {EMPTY}")
    if re.fullmatch(r"(?:19|20)\d\d", spelt):
        raise InvalidError(field, "a year alone: write the whole date, as 31/12/1980")
    if re.fullmatch(r"\d{4,6}([.,]\d+)?", spelt):
        raise InvalidError(field, "a spreadsheet's day number: format the column as a date, as 31/12/1980")
    raise InvalidError(field, "not a date: write 31/12/1980 or 1980-12-31")


def _year(digits: str, today: date) -> int:
    """Return a year; of two digits it is the latest that is not in the future."""
    year = int(digits)
    if len(digits) > 2:  # noqa: PLR2004 - two digits leave out the century
        return year
    century = today.year - today.year % CENTURY
    return century + year if century + year <= today.year else century - CENTURY + year
