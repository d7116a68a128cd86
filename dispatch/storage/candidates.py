"""The search for volunteers around incidents, and the claim of the selected ones."""

from calendar import isleap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from struct import Struct
from typing import NamedTuple
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from dispatch.domain.incident import Incident
from dispatch.domain.matching.geo import mercator, mercator_scale
from dispatch.domain.matching.selection import OVERFETCH, Choice, Found, Gate, asked_since
from dispatch.domain.offers import seats_by_role
from dispatch.storage.queries import bound, columns, sql
from schemas.base import Lane

Wanted = Mapping[UUID, Mapping[str, int]]
Near = tuple[float, UUID, int, int, str]
"""A candidate: metres, id, gates except those of skill and age, birth date in days since `DAY_ZERO`, stored skills."""

NEAREST = 60
"""The number of volunteers around an incident that are returned whatever their gates: the limit in `search_nearest`."""
SKILL, AGE = int(Gate.SKILL), int(Gate.AGE)
PACKED = Struct("!16sdii")
"""A candidate as `search_nearest` packs it: id, metres, gates, birth date."""
DAY_ZERO = date(2000, 1, 1)
"""The day from which Postgres counts days."""
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class SearchArea(NamedTuple):
    """An incident as the searches take it: where, how far, and what its policy asks of a volunteer."""

    incident_id: UUID
    organisation: UUID
    lane: Lane
    x: float
    y: float
    radius: float
    stretch: float
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
        self.born_before = {role: _years_before(now, self.seats[role].min_age or 0) for role in self.roles}
        self.most = {role: wanted[role] * OVERFETCH + 10 for role in self.roles}
        self.found: dict[str, list[Found]] = {role: [] for role in self.roles}

    def add(self, near: Sequence[Near], now: datetime) -> None:
        """List the nearest for every role; the roles differ in the gates of skill and age only."""
        valid = {skills: _valid(skills, now) for skills in {one[4] for one in near}}
        for role, found in self.found.items():
            lacking = {held: 0 if self.seats[role].fits(skills) else SKILL for held, skills in valid.items()}
            latest = (self.born_before[role] - DAY_ZERO).days
            found += [
                Found(who, metres, gates | lacking[held] | (AGE if born > latest else 0))
                for metres, who, gates, born, held in near
            ]

    def short(self) -> Iterator[tuple[str, float, int]]:
        """Yield the roles with too few who pass, the distance searched so far, and how many to find beyond it."""
        for role, found in self.found.items():
            if len(found) >= NEAREST:
                edge = found[-1].metres
                passing = [one.metres for one in found if not one.gates]
                at_edge = passing.count(edge)
                missing = self.most[role] - len(passing) + at_edge
                if missing > at_edge:
                    yield role, edge, missing


async def _nearest(connection: asyncpg.Connection, asked: Sequence[_Question], now: datetime) -> None:
    rows = columns(SearchArea, [question.place for question in asked])
    query = bound("search_nearest", n=list(range(len(asked))), now=now, **rows)
    for n, at_base, skills, live, live_skills in await connection.fetch(*query):
        near = sorted(_unpacked(at_base, skills) + _unpacked(live, live_skills))
        asked[n].add(near[:NEAREST], now)


def _unpacked(packed: bytes | None, skills: str | None) -> list[Near]:
    if packed is None or skills is None:
        return []
    return [
        (metres, pgproto.UUID(who), gates, born, held)
        for (who, metres, gates, born), held in zip(
            PACKED.iter_unpack(packed), skills.split("\n"), strict=True
        )
    ]


def _valid(skills: str, now: datetime) -> list[str]:
    """Return the skills that are valid at a time, from the text in which they are stored."""
    elapsed = (now - EPOCH) // MICROSECOND
    held = (one.partition("@") for one in skills.split(","))
    return [skill for skill, _, until in held if not until or int(until) > elapsed]


async def _farther(connection: asyncpg.Connection, asked: Sequence[_Question], now: datetime) -> None:
    """Search beyond the nearest where those are too few; volunteers at the very edge are found twice and ignored."""
    short = [(question, *one) for question in asked for one in question.short()]
    if not short:
        return
    query = bound(
        "search_farther",
        n=list(range(len(short))),
        born_before=[question.born_before[role] for question, role, _, _ in short],
        all_skills=[",".join(question.seats[role].all_skills) for question, role, _, _ in short],
        any_skills=[",".join(question.seats[role].any_skills) for question, role, _, _ in short],
        nearest=[edge for _, _, edge, _ in short],
        most=[missing for _, _, _, missing in short],
        now=now,
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
        now - timedelta(seconds=policy.rest_s), now - timedelta(seconds=policy.position_max_age_s),
        ",".join(policy.availability), incident.mode != "actual", asked_since(incident, now),
    )  # fmt: skip


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
