"""The reasons of a round that the search has not read yet: who is nearer than the farthest pick, and who is beyond."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.matching.geo import projected_reach
from dispatch.domain.matching.selection import Choice, combined, for_any_role
from dispatch.storage.candidates import read_nearest
from dispatch.storage.queries import bound, columns
from dispatch.storage.questions import AGE, Question, valid_skills
from dispatch.storage.search_areas import SearchArea, place_of

LISTED_MOST = 20_000
"""How many people nearer than the farthest pick are listed at most."""
COUNTED_MOST = 1_000
"""How many people beyond are counted for a batch: some six microseconds each, which one incident can afford."""
COUNTED_LEAST = 300
"""Nobody is counted for incidents of a batch so large that each would get fewer."""


class Gap(NamedTuple):
    """A question whose area was not read as a whole, and how far each reason is listed, in projected metres."""

    question: Question
    choice: Choice
    end: float


async def complete(
    connection: asyncpg.Connection,
    questions: Sequence[Question],
    choices: Mapping[UUID, Choice],
    now: datetime,
) -> None:
    """Add to the choices whom the search has passed without reading: in crowds, farther than the nearest sixty.

    Where the nearest sixty are everybody within the radius, as is usual, nothing is read.
    """
    for one in questions:
        # Of those near an incident that asks stations, who may not be asked all the same, the nearest are enough.
        choices[one.incident.id].counted = one.complete or not one.incident.by_station
    partly = [one for one in questions if not (one.complete or one.incident.by_station)]
    gaps = [_gap(one, choices[one.incident.id]) for one in partly]
    if gaps:
        await _list_nearer(connection, [gap for gap in gaps if gap.end > gap.question.edge], now)
        await _count_beyond(connection, gaps, now)


def _gap(question: Question, choice: Choice) -> Gap:
    farthest = max((pick.distance_m for pick in choice.picks), default=None)
    if farthest is None:
        return Gap(question, choice, question.edge)
    # Who is nearer on the ground may be farther on the map. Half a metre was rounded.
    nearer = projected_reach(place_of(question.incident).lat, farthest + 1)
    return Gap(question, choice, max(question.edge, min(nearer, question.areas[0].reach)))


async def _list_nearer(connection: asyncpg.Connection, gaps: Sequence[Gap], now: datetime) -> None:
    """List everybody between the edge of what was read and the farthest pick."""
    owners = [(gap, area._replace(reach=gap.end)) for gap in gaps for area in gap.question.areas]
    if not owners:
        return
    areas, edges = [area for _, area in owners], [gap.question.edge for gap, _ in owners]
    for n, near, reach in await read_nearest(connection, areas, edges, LISTED_MOST, now):
        gap, area = owners[n]
        question, known = gap.question, gap.question.projected
        new = [one for one in near if one[1] not in known]
        roles = question.judged(new)
        for one in for_any_role(roles):
            gap.choice.passed_over[one.volunteer_id] = (one.metres, one.gates or question.otherwise)
        question.remember(roles, new)
        gap.choice.counted &= reach >= area.reach
    for gap in gaps:
        gap.choice.passed_over = dict(sorted(gap.choice.passed_over.items(), key=itemgetter(1)))


async def _count_beyond(connection: asyncpg.Connection, gaps: Sequence[Gap], now: datetime) -> None:
    """Count by their gates all who are farther than those that are listed."""
    owners = [(gap, area) for gap in gaps for area in gap.question.areas]
    most = COUNTED_MOST // len(owners)
    if most < COUNTED_LEAST:
        for gap in gaps:
            gap.choice.counted = False
        return
    query = bound(
        "count_beyond", n=list(range(len(owners))), beyond=[gap.end for gap, _ in owners], most=most, now=now,
        born_after=[",".join(_too_young(gap.question)) for gap, _ in owners],
        **columns(SearchArea, [area for _, area in owners]),
    )  # fmt: skip
    read: Counter[tuple[int, bool]] = Counter()
    for n, live, gates, skills, young, people in await connection.fetch(*query):
        gap, _ = owners[n]
        gap.choice.beyond[_shut(gap.question, gates, skills, young) or gap.question.otherwise] += people
        read[n, live] += people
    for (n, _), people in read.items():
        owners[n][0].choice.counted &= people < most
    for gap in gaps:
        _subtract_listed(gap)


def _subtract_listed(gap: Gap) -> None:
    """Take from the counts who is listed as well: those at the very edge, and those who pass beyond it."""
    for who, projected in gap.question.projected.items():
        if projected >= gap.end:
            gap.choice.beyond[gap.question.gates_of(who) or gap.question.otherwise] -= 1
    gap.choice.beyond = +gap.choice.beyond


def _too_young(question: Question) -> list[str]:
    """Return the birth dates from which on somebody is too young for some role, the earliest first."""
    return [(latest + timedelta(days=1)).isoformat() for latest in sorted(set(question.born_before.values()))]


def _shut(question: Question, gates: int, skills: str, young: int) -> int:
    """Return the gates of people alike, for all roles together; `young` is how many dates they do not meet."""
    dates, valid = sorted(set(question.born_before.values())), valid_skills(skills, question.needed_until)
    return combined(
        [
            gates
            | question.skill_gate(role, valid)
            | (AGE if dates.index(question.born_before[role]) < young else 0)
            for role in question.roles
        ]
    )
