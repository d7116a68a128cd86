"""The words that plans, rosters and reports share: skills and kinds that one of them has and the other does not."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from dispatch.domain.counting import counted
from dispatch.services.core.csv_tables import nearest
from dispatch.services.plans.plan_files import DEFAULT, PlanBook
from schemas.plans import SCENE, STATION, Plan, SeatNeed

ALIKE = 0.75
"""The least similarity of a skill or kind to the one that may have been meant."""


class HeldSkill(NamedTuple):
    """A skill on an organisation's roster: how many people have it, and for how many of them it is valid."""

    organisation: str
    skill: str
    people: int
    valid: int


class HeldPoint(NamedTuple):
    """A muster point of an organisation; a point that is no station has no number of members."""

    organisation: str
    name: str
    members: int | None


class Mismatch(NamedTuple):
    """A skill, a kind or a muster point that fits nothing; `meant` is the most similar known one, if any is similar."""

    word: str
    text: str
    meant: str | None

    def __str__(self) -> str:
        """Return the finding with its hint."""
        return f"{self.text}; did you mean `{self.meant}`?" if self.meant else self.text


def asked_skills(book: PlanBook) -> dict[str, list[str]]:
    """Return the names of the plans that ask for each skill."""
    asked: dict[str, list[str]] = {}
    for plan in book.plans:
        for skill in dict.fromkeys(skill for seat in plan.seats for skill in (*seat.skills, *seat.any)):
            asked.setdefault(skill, []).append(plan.name)
    return asked


def skills_never_asked(book: PlanBook, people: Mapping[str, int]) -> Iterator[Mismatch]:
    """Yield the skills of a roster, each with the number of people, that no plan asks for."""
    asked = asked_skills(book)
    for skill in sorted(people.keys() - asked.keys()):
        who = counted(people[skill], "person has", "people have")
        text = f"{who} the skill `{skill}`, which no plan asks for"
        yield Mismatch(skill, text, nearest(skill, asked, ALIKE))


def skills_nobody_has(book: PlanBook, valid: Mapping[str, int]) -> Iterator[Mismatch]:
    """Yield the skills that plans ask for and nobody has; `valid` has the people for whom each is valid."""
    asked = asked_skills(book)
    unasked = {skill for skill in valid if skill not in asked}
    for skill in sorted(asked):
        if not valid.get(skill):
            outdated = ": it is out of date for all who had it" if skill in valid else ""
            text = f"nobody has the skill `{skill}`, which {_plans(asked[skill])} for{outdated}"
            yield Mismatch(skill, text, nearest(skill, unasked, ALIKE))


def places_nobody_comes_to(book: PlanBook, points: Collection[HeldPoint]) -> Iterator[Mismatch]:
    """Yield the muster points that plans name and no organisation has, and the stations that have no members."""
    stations = {one.name: one.members for one in points if one.members is not None}
    by_station = [plan for plan in book.plans if plan.muster == STATION]
    for plan in book.plans:
        named = plan.stations if plan.muster == STATION else () if plan.muster == SCENE else (plan.muster,)
        known = stations if plan.muster == STATION else {one.name for one in points}
        for name in named:
            if name not in known:
                text = f"no muster point is named `{name}`, which the plan {plan.name} names"
                yield Mismatch(name, text, nearest(name, known, ALIKE))
    if by_station and not any(stations.values()):
        names = ", ".join(plan.name for plan in by_station)
        yield Mismatch(
            STATION, f"nobody has a station, and crews come from theirs under the plan {names}", None
        )
    for one in points if by_station else ():
        if one.members == 0:
            yield Mismatch(one.name, f"{one.organisation}: the station `{one.name}` has no members", None)


def unknown_lists(book: PlanBook, known: Collection[str]) -> Iterator[Mismatch]:
    """Yield the lists that plans name and no organisation has."""
    for plan in book.plans:
        for name in (plan.search.only, plan.search.never):
            if name is not None and name not in known:
                effect = "asks nobody" if name == plan.search.only else "shuts out nobody"
                text = f"there is no list `{name}`, which the plan {plan.name} names: it {effect}"
                yield Mismatch(name, text, nearest(name, known, ALIKE))


def seat_for_nobody(plan: Plan, seat: SeatNeed) -> Mismatch:
    """Return the finding on a seat that nobody can fill."""
    text = f"nobody on the roster meets the skills, age and lists of the seat `{seat.role}` of the plan {plan.name}"
    return Mismatch(seat.role, text, None)


def unknown_kind(book: PlanBook, kind: str) -> Mismatch | None:
    """Return a mismatch where no plan names a kind, so that the default plan applies."""
    plan = book.choose(kind)
    if plan.kinds or plan.name != DEFAULT:
        return None
    text = f"no plan names the kind `{kind}`: the plan `{DEFAULT}` applies"
    return Mismatch(kind, text, nearest(kind, _similar_kinds(book, kind), ALIKE))


def _similar_kinds(book: PlanBook, kind: str) -> set[str]:
    """Return the kinds that plans name; `medical.*` as the end of this kind behind `medical`, if it begins alike."""
    parts, found = kind.split("."), set[str]()
    for pattern in (pattern for plan in book.plans for pattern in plan.kinds):
        stem = pattern.removesuffix(".*")
        length = stem.count(".") + 1
        if stem == pattern:
            found.add(pattern)
        elif nearest(".".join(parts[:length]), [stem], ALIKE):
            found.add(".".join([stem, *parts[length:]]))
    return found


def _plans(names: list[str]) -> str:
    return f"the plan {names[0]} asks" if len(names) == 1 else f"the plans {', '.join(names)} ask"
