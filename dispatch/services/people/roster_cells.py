"""The cells of a roster as people type them, in French or English."""

import re
from collections.abc import Collection
from datetime import date
from typing import NamedTuple, get_args

from dispatch.services.core.csv_tables import folded
from dispatch.services.core.errors import InvalidError
from dispatch.services.people.muster_points import known_station
from dispatch.services.people.roster_dates import ISO, read_date
from schemas.volunteers import Availability, Consent, Language

LONGEST_NAME = 200
MOST_SKILLS = 32
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


def read_station(text: str, names: Collection[str]) -> str:
    """Return the name of a station, empty for none; raises InvalidError for one that is unknown."""
    return "" if folded(text) in NOTHING else known_station(text, names)


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
