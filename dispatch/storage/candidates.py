"""The search for volunteers around incidents, and the claim of the selected ones."""

from calendar import isleap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.incident import Incident
from dispatch.domain.matching.geo import mercator, mercator_scale
from dispatch.domain.matching.selection import ASKED_MOST, OVERFETCH, Choice, Found, Gate, asked_since
from dispatch.domain.offers import seats_by_role
from dispatch.storage.queries import bound, columns, sql
from schemas.base import Lane

Wanted = Mapping[UUID, Mapping[str, int]]

NEAREST = 60
"""The number of volunteers around an incident that are returned whatever their gates: the limit in `search_nearest`."""
SKILL, OFTEN = int(Gate.SKILL), int(Gate.OFTEN)


class SearchArea(NamedTuple):
    """An incident as the searches take it: where, how far, and what its policy asks of a volunteer."""

    incident_id: UUID
    organisation: UUID
    lane: Lane
    x: float
    y: float
    radius: float
    stretch: float
    born_before: date
    rested_since: datetime
    fresh_since: datetime
    availability: str
    drill: bool
    asked_since: datetime | None


async def search(
    connection: asyncpg.Connection, incidents: Iterable[Incident], wanted: Wanted, now: datetime
) -> dict[UUID, dict[str, list[Found]]]:
    """Return the volunteers around each incident by role, nearest first, with the gates that exclude each.

    The nearest are listed with or without gates; farther on, only those without, as many as the role may need.
    """
    asked = [_Question(i, wanted[i.id], now) for i in incidents if any(n > 0 for n in wanted[i.id].values())]
    if not asked:
        return {}
    await _nearest(connection, asked, now)
    await _farther(connection, asked, now)
    return {question.incident.id: question.found for question in asked}


class _Question:
    """The search for one incident, and the volunteers found so far by role."""

    def __init__(self, incident: Incident, wanted: Mapping[str, int], now: datetime) -> None:
        self.incident = incident
        self.place = _place(incident, now)
        self.roles = sorted(role for role, count in wanted.items() if count > 0)
        self.seats = seats_by_role(incident, self.roles)
        self.most = {role: wanted[role] * OVERFETCH + 10 for role in self.roles}
        self.found: dict[str, list[Found]] = {role: [] for role in self.roles}

    def add(self, who: UUID, metres: float, gates: int, skills: Collection[str]) -> None:
        """List a volunteer for every role; the roles differ in the gate of the skill only."""
        for role, found in self.found.items():
            fits = self.seats[role].fits(skills)
            found.append(Found(who, metres, gates if fits else gates | SKILL))

    def short(self) -> Iterator[tuple[str, float, int]]:
        """Yield the roles with too few who pass, the distance searched so far, and how many to find beyond it."""
        for role, found in self.found.items():
            if len(found) >= NEAREST:
                edge = found[-1].metres
                missing = self.most[role] - sum(1 for one in found if not one.gates and one.metres < edge)
                if missing > sum(1 for one in found if not one.gates and one.metres == edge):
                    yield role, edge, missing


async def _nearest(connection: asyncpg.Connection, asked: Sequence[_Question], now: datetime) -> None:
    rows = columns(SearchArea, [question.place for question in asked])
    query = bound(
        "search_nearest", n=list(range(len(asked))), now=now, asked_most=ASKED_MOST, often=OFTEN, **rows
    )
    for n, *one in await connection.fetch(*query):
        asked[n].add(*one)


async def _farther(connection: asyncpg.Connection, asked: Sequence[_Question], now: datetime) -> None:
    """Search beyond the nearest where those are too few; volunteers at the very edge are found twice and ignored."""
    short = [(question, *one) for question in asked for one in question.short()]
    if not short:
        return
    query = bound(
        "search_farther",
        n=list(range(len(short))),
        all_skills=[",".join(question.seats[role].all_skills) for question, role, _, _ in short],
        any_skills=[",".join(question.seats[role].any_skills) for question, role, _, _ in short],
        nearest=[edge for _, _, edge, _ in short],
        most=[missing for _, _, _, missing in short],
        now=now,
        asked_most=ASKED_MOST,
        **columns(SearchArea, [question.place for question, _, _, _ in short]),
    )
    known = [{one.volunteer_id for one in question.found[role]} for question, role, _, _ in short]
    for n, who, metres in await connection.fetch(*query):
        if who not in known[n]:
            question, role, _, _ = short[n]
            question.found[role].append(Found(who, metres, 0))


def _place(incident: Incident, now: datetime) -> SearchArea:
    """Return an incident as the searches take it; radii are Web-Mercator metres, longer by 1 / cos(lat)."""
    policy, place = incident.plan.search, incident.position
    if place is None:
        msg = "an incident without a position is never searched around"
        raise ValueError(msg)
    x, y = mercator(place.lat, place.lon)
    factor = mercator_scale(place.lat)
    return SearchArea(
        incident.id, incident.organisation, incident.lane, x, y, incident.radius_m * factor, factor,
        _years_before(now, _min_age(incident)), now - timedelta(seconds=policy.rest_s),
        now - timedelta(seconds=policy.position_max_age_s), ",".join(policy.availability),
        incident.mode != "actual", asked_since(incident, now),
    )  # fmt: skip


def _min_age(incident: Incident) -> int:
    """Return the minimum age that all seats require: the search compares one birth date for all of them."""
    return max((seat.min_age for seat in incident.seats if seat.min_age is not None), default=0)


def _years_before(now: datetime, years: int) -> date:
    """Return the latest birth date of a person of so many years; 29 February becomes 28 in a year without it."""
    year = now.year - years
    day = 28 if (now.month, now.day) == (2, 29) and not isleap(year) else now.day
    return date(year, now.month, day)


async def claim(
    connection: asyncpg.Connection, choices: Mapping[UUID, Choice], lanes: Mapping[UUID, str]
) -> None:
    """Lock the selected by id without waiting; drop those whom another transaction has locked or has just asked."""
    chosen = [(p.volunteer_id, lanes[i]) for i, choice in choices.items() for p in choice.picks]
    if not chosen:
        return
    people = sorted({who for who, _ in chosen})
    held = {row["id"] for row in await connection.fetch(sql("claim_volunteers"), people)}
    pairs = sorted(set(chosen))
    # A statement of its own: only a snapshot taken after the locks sees what was committed before them.
    rows = await connection.fetch(sql("free_volunteers"), *map(list, zip(*pairs, strict=True)))
    free = {(row["volunteer_id"], row["lane"]) for row in rows}
    for incident_id, choice in choices.items():
        for pick in list(choice.picks):
            if pick.volunteer_id not in held:
                choice.drop(pick.volunteer_id, Gate.HELD)
            elif (pick.volunteer_id, lanes[incident_id]) not in free:
                choice.drop(pick.volunteer_id, Gate.OFFER)
