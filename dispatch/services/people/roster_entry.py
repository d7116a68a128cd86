"""What a file or a request says of one person, and the complete member that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.services.core.errors import InvalidError
from dispatch.services.core.phone_numbers import HOME, e164
from dispatch.services.people.roster_cells import GivenSkill
from dispatch.services.people.roster_dates import check_birth_date
from schemas.base import Position
from schemas.volunteers import Availability, Consent, Language, VolunteerBody

NEEDED = ("name", "lat", "lon", "birth_date")
"""The columns without which nobody can be a new person."""
Skills = dict[str, date | None]
"""The last day of each skill; None: without an end."""


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """What is said of the person with this phone number; None is not said, and changes nothing.

    An empty `station` means none.
    """

    phone: str
    name: str | None = None
    birth_date: date | None = None
    home: Position | None = None
    work: Position | None = None
    language: Language | None = None
    skills: tuple[GivenSkill, ...] | None = None
    consent: tuple[Consent, ...] | None = None
    availability: Availability | None = None
    station: str | None = None

    @property
    def missing(self) -> list[str]:
        """Return the columns without which this cannot be a new person."""
        values = (self.name, self.home, self.home, self.birth_date)
        return [column for column, value in zip(NEEDED, values, strict=True) if value is None]


@dataclass(frozen=True, slots=True)
class Member:
    """A person on an organisation's roster, as its supervisors know them; `consent` is sorted."""

    volunteer_id: UUID
    name: str | None
    birth_date: date | None
    home: Position | None
    language: Language
    skills: Skills
    consent: tuple[str, ...]
    availability: Availability
    station: str | None = None


def entry_of(body: VolunteerBody, today: date, region: str = HOME) -> RosterEntry:
    """Return what a request says; raises InvalidError for an invalid phone number or birth date."""
    check_birth_date(body.birth_date, today)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    phone = e164(given.pop("phone"), region=region)
    home = given.pop("position")
    if "skills" in given:
        given["skills"] = _given(body)
    return RosterEntry(phone=phone, home=home, **given)


def merged(
    volunteer_id: UUID, before: Member | None, entry: RosterEntry, otherwise: Availability = "unavailable"
) -> Member:
    """Return the member afterwards; a new one of whom nothing is said has agreed to nothing, and is `otherwise`.

    Raises InvalidError where a new person lacks what is needed.
    """
    if before is None:
        return _new(volunteer_id, entry, otherwise)
    return Member(
        volunteer_id,
        entry.name or before.name,
        entry.birth_date or before.birth_date,
        entry.home or before.home,
        entry.language or before.language,
        before.skills if entry.skills is None else _skills(entry.skills, before.skills),
        before.consent if entry.consent is None else tuple(sorted(entry.consent)),
        entry.availability or before.availability,
        before.station if entry.station is None else entry.station or None,
    )


def changed_fields(before: Member, after: Member) -> list[str]:
    """Return the fields that differ, by the names of the columns."""
    names = ("name", "birth_date", "home", "language", "skills", "consent", "availability", "station")
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _given(body: VolunteerBody) -> tuple[GivenSkill, ...]:
    given = [
        GivenSkill(skill)
        if isinstance(skill, str)
        else GivenSkill(skill.name, skill.valid_until, limited="valid_until" in skill.model_fields_set)
        for skill in body.skills
    ]
    by_name = {skill.name: skill for skill in given}
    if any(by_name[skill.name] != skill for skill in given):
        raise InvalidError("skills", "a skill is named twice, with two ends of its validity")
    return tuple(by_name.values())


def _new(volunteer_id: UUID, entry: RosterEntry, otherwise: Availability) -> Member:
    if entry.missing:
        raise InvalidError(entry.missing[0], "a new person needs it")
    return Member(
        volunteer_id, entry.name, entry.birth_date, entry.home, entry.language or "fr",
        _skills(entry.skills or (), {}), tuple(sorted(entry.consent or ())), entry.availability or otherwise,
        entry.station or None,
    )  # fmt: skip


def _skills(given: tuple[GivenSkill, ...], before: Mapping[str, date | None]) -> Skills:
    return {one.name: one.valid_until if one.limited else before.get(one.name) for one in given}
