"""The cells of a roster as people type them, in French or English."""

import re
from collections.abc import Collection
from datetime import date
from typing import NamedTuple, get_args

from dispatch.services.core.csv_tables import folded
from dispatch.services.core.errors import InvalidError
from schemas.volunteers import Availability, Consent, Language

OLDEST = 110
"""Years: an older birth date is a spreadsheet's zero, or a typing error."""
YOUNGEST = 16
"""Years: a younger birth date is probably a typing error, or the day of joining."""
LONGEST_NAME = 200
MOST_SKILLS = 32
CENTURY = 100
EMPTY = "leave it empty for people who are on the roster already"
SKILL = re.compile(r"[a-z][a-z0-9_]{0,31}")
LISTED = re.compile(r"[a-z][a-z0-9_]*(?::\S+)?")
DATED = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}|\b(?:19|20)\d\d\b")
WORDS = re.compile(r"[\w\s.'’-]+")
NOTHING = {"", "aucun", "aucune", "neant", "none", "non", "no", "nul", "ras"}
ENDLESS = {"none", "never", "illimite", "permanent", "unlimited", "sans_fin"}
LANGUAGES: dict[str, Language] = {
    **dict.fromkeys(("fr", "fr_fr", "fra", "fre", "francais", "francaise", "french", "f"), "fr"),
    **dict.fromkeys(("en", "en_gb", "en_us", "eng", "anglais", "anglaise", "english"), "en"),
}  # fmt: skip
CONSENTS: dict[str, Consent] = {
    **{word: word for word in get_args(Consent)},
    **dict.fromkeys(("texto", "textos"), "sms"),
    **dict.fromkeys(("voix", "appel", "appels", "vocal"), "voice"),
    **dict.fromkeys(("e_mail", "mail", "mel", "courriel"), "email"),
    **dict.fromkeys(("appli", "application", "notification", "notifications"), "push"),
    **dict.fromkeys(("drill", "exercice", "exercices"), "drills"),
}  # fmt: skip
AVAILABILITIES: dict[str, Availability] = {
    **{word: word for word in get_args(Availability)},
    **dict.fromkeys(("disponible", "dispo", "oui", "yes"), "available"),
    **dict.fromkeys(("indisponible", "indispo", "non_disponible", "pas_disponible", "non", "no"), "unavailable"),
    **dict.fromkeys(("astreinte", "d_astreinte", "en_astreinte", "de_permanence"), "on_call"),
    **dict.fromkeys(("caserne", "en_caserne", "garde", "de_garde", "en_garde", "en_poste"), "on_station"),
    **dict.fromkeys(("travail", "au_travail", "en_travail"), "at_work"),
}  # fmt: skip
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


class GivenSkill(NamedTuple):
    """A skill as a file or a request gives it; without `limited` it says nothing of the end of its validity."""

    name: str
    valid_until: date | None = None
    limited: bool = False


def read_name(text: str) -> str:
    """Return a name on one line; raises InvalidError for one that is too long."""
    name = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidError("name", f"a name has 1 to {LONGEST_NAME} characters")
    return name


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


def read_skills(text: str, known: Collection[str], today: date) -> tuple[GivenSkill, ...]:
    """Return the skills of a cell such as `first_aid:2027-05-31; driver`; raises InvalidError."""
    if folded(text) in NOTHING:
        return ()
    found: dict[str, GivenSkill] = {}
    for part in _split(re.sub(r"\s*:\s*", ":", text), known):
        skill = _skill(part, today)
        if skill.name in found and found[skill.name] != skill:
            raise InvalidError("skills", "a skill is named twice, with two ends of its validity")
        found[skill.name] = skill
    if len(found) > MOST_SKILLS:
        raise InvalidError("skills", f"more than {MOST_SKILLS} skills")
    return tuple(found.values())


def read_consent(text: str) -> tuple[Consent, ...]:
    """Return the consents of a cell; raises InvalidError where it does not say to what."""
    words = [folded(word) for word in re.split(r"[\s;|,+/&]+", text)]
    given = [word for word in words if word and word not in {"et", "and"}]
    if not given or (len(given) == 1 and given[0] in NOTHING):
        return ()
    if unknown := [word for word in given if word not in CONSENTS]:
        yes = (
            "this says yes, but not to what: "
            if unknown[0] in {"oui", "yes", "o", "y", "x", "1", "ok"}
            else ""
        )
        raise InvalidError("consent", f"{yes}write {', '.join(get_args(Consent))}, or nothing")
    return tuple(dict.fromkeys(CONSENTS[word] for word in given))


def read_language(text: str) -> Language:
    """Return a language; raises InvalidError."""
    try:
        return LANGUAGES[folded(text)]
    except KeyError:
        raise InvalidError("language", "write fr or en") from None


def read_availability(text: str) -> Availability:
    """Return an availability; raises InvalidError."""
    try:
        return AVAILABILITIES[folded(text)]
    except KeyError:
        known = ", ".join(get_args(Availability))
        raise InvalidError("availability", f"write {known} (disponible, indisponible, astreinte)") from None


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


def _split(text: str, known: Collection[str]) -> list[str]:
    """Split a cell at its separators, and words like `first_aid aed` at blanks; `Permis bateau` is one skill."""
    parts = [part.strip() for part in re.split(r"[;|,\n+&]+|/(?!\d)", text)]
    found: list[str] = []
    for part in filter(None, parts):
        words = [word for word in part.split() if word not in {"et", "and"}]
        apart = folded(part.partition(":")[0]) not in known and all(map(LISTED.fullmatch, words))
        found += words if apart and (len(parts) == 1 or "_" in part) else [part]
    return found


def _skill(part: str, today: date) -> GivenSkill:
    spelt, colon, end = part.partition(":")
    if DATED.search(spelt):
        raise InvalidError(
            "skills", "a date in a skill: write its last day after a colon, as first_aid:2027-05-31"
        )
    name = folded(spelt) if WORDS.fullmatch(spelt) else ""
    if not SKILL.fullmatch(name):
        raise InvalidError("skills", "write a skill as first_aid: small letters, digits and _")
    if not colon:
        return GivenSkill(name)
    if folded(end) in ENDLESS:
        return GivenSkill(name, None, limited=True)
    return GivenSkill(name, _last_day(end, today), limited=True)


def _last_day(text: str, today: date) -> date:
    """Return the last day on which a skill is valid; raises InvalidError for two digits of a year."""
    if re.search(r"[/.-]\d\d$", text) and not ISO.fullmatch(text):
        raise InvalidError("skills", "write the year of a last day in four digits")
    return read_date(text, "skills", today)
