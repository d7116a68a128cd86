"""The search for volunteers around incidents, and the claim of the selected ones."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from struct import Struct
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from dispatch.domain.answering.overlaps import time_taken
from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Choice, Found, Gate, list_gates
from dispatch.storage.coming import Coming, engaged
from dispatch.storage.list_search import add_listed
from dispatch.storage.queries import bound, columns, sql
from dispatch.storage.questions import Near, Question, Wanted
from dispatch.storage.search_areas import SearchArea
from dispatch.storage.standings import read_standings
from dispatch.storage.station_search import add_members

Shut = dict[UUID, dict[UUID, Gate]]
"""By incident, people who were selected and are shut out after all, each by a gate."""
PACKED = Struct("!16sddii")
"""A candidate as `search_nearest` packs it: id, projected metres, metres, gates, birth date."""


async def search(
    connection: asyncpg.Connection, incidents: Iterable[Incident], wanted: Wanted, now: datetime
) -> dict[UUID, dict[str, list[Found]]]:
    """Return the volunteers around each incident by role, nearest first, with the gates that exclude each.

    The nearest are listed with or without gates; farther on, only those without, as many as the role may need.
    """
    return {one.incident.id: one.found for one in await explore(connection, incidents, wanted, now)}


async def explore(
    connection: asyncpg.Connection, incidents: Iterable[Incident], wanted: Wanted, now: datetime
) -> list[Question]:
    """Search as `search` does; return the questions with their answers, which `reasons` completes."""
    asked = [Question(i, wanted[i.id], now) for i in incidents if any(n > 0 for n in wanted[i.id].values())]
    if asked:
        await _nearest(connection, asked, now)
        await add_members(connection, asked, now)
        await add_listed(connection, asked, now)
        await _shut_engaged(connection, asked)
        await _farther(connection, asked, now)
    return asked


async def read_nearest(
    connection: asyncpg.Connection,
    areas: Sequence[SearchArea],
    beyond: Sequence[float],
    most: int,
    now: datetime,
) -> list[tuple[int, list[Near], float]]:
    """Return for each area its number, those who are nearest from a distance on, and how far they are complete."""
    query = bound(
        "search_nearest", n=list(range(len(areas))), beyond=list(beyond), most=most, now=now,
        **columns(SearchArea, areas),
    )  # fmt: skip
    return [
        (n, _unpacked(at_base, skills) + _unpacked(live, live_skills), reach)
        for n, at_base, skills, live, live_skills, reach in await connection.fetch(*query)
    ]


async def _nearest(connection: asyncpg.Connection, asked: Sequence[Question], now: datetime) -> None:
    for most in sorted({question.nearest for question in asked}):
        await _read(connection, [question for question in asked if question.nearest == most], most, now)


async def _read(connection: asyncpg.Connection, asked: Sequence[Question], most: int, now: datetime) -> None:
    owners = [(question, area) for question in asked for area in question.areas]
    found: dict[int, tuple[list[Near], float]] = {}
    areas = [area for _, area in owners]
    for n, near, reach in await read_nearest(connection, areas, [0.0] * len(areas), most, now):
        before, shortest = found.get(id(owners[n][0]), ([], reach))
        found[id(owners[n][0])] = before + near, min(shortest, reach)
    for question in asked:
        question.add_nearest(*found[id(question)])


def _unpacked(packed: bytes | None, skills: str | None) -> list[Near]:
    if packed is None or skills is None:
        return []
    return [
        (metres, pgproto.UUID(who), gates, born, held, projected)
        for (who, projected, metres, gates, born), held in zip(
            PACKED.iter_unpack(packed), skills.split("\n"), strict=True
        )
    ]


async def _shut_engaged(connection: asyncpg.Connection, asked: Sequence[Question]) -> None:
    """Shut those out of planned missions who have another one at that time, so that others are found farther off."""
    for one in asked:
        if one.incident.lane == "planned":
            people = await engaged(connection, [Coming.to(one.incident, who) for who in one.passing()])
            one.shut(dict.fromkeys(people, Gate.ENGAGED))


async def _farther(connection: asyncpg.Connection, asked: Sequence[Question], now: datetime) -> None:
    """Search beyond the nearest where those are too few; volunteers at the very edge are found twice and ignored."""
    short = [
        (question, *one, area) for question in asked for one in question.short() for area in question.areas
    ]
    if not short:
        return
    times = [time_taken(question.incident) for question, _, _, _ in short]
    query = bound(
        "search_farther",
        busy_from=[start for start, _ in times],
        busy_until=[end for _, end in times],
        n=list(range(len(short))),
        born_before=[question.born_before[role] for question, role, _, _ in short],
        all_skills=[",".join(question.seats[role].all_skills) for question, role, _, _ in short],
        any_skills=[",".join(question.seats[role].any_skills) for question, role, _, _ in short],
        nearest=[question.edge for question, _, _, _ in short],
        most=[missing for _, _, missing, _ in short],
        needed_until=[question.needed_until for question, _, _, _ in short],
        now=now,
        **columns(SearchArea, [area for _, _, _, area in short]),
    )
    farther: dict[UUID, dict[str, list[tuple[Found, float]]]] = defaultdict(lambda: defaultdict(list))
    for n, who, metres, projected in await connection.fetch(*query):
        question, role, _, _ = short[n]
        farther[question.incident.id][role].append((Found(who, metres, 0), projected))
    for question in asked:
        question.add_farther(farther[question.incident.id])


async def claim(
    connection: asyncpg.Connection,
    choices: Mapping[UUID, Choice],
    incidents: Iterable[Incident],
    now: datetime,
) -> Shut:
    """Lock the selected by id without waiting; drop those whom another transaction has locked or has just asked.

    Return those to leave out and to choose others for: each must not meet somebody else of the incident, is shut out by
    a list of its plan, or is kept from it by another mission.
    """
    asking = {one.id: one for one in incidents}
    chosen = [
        Coming.to(asking[i], pick.volunteer_id) for i, choice in choices.items() for pick in choice.picks
    ]
    if not chosen:
        return {}
    people = sorted({one.volunteer_id for one in chosen})
    held = {row["id"] for row in await connection.fetch(sql("claim_volunteers"), people)}
    # A statement of its own: only a snapshot taken after the locks sees what was committed before them.
    rows = await connection.fetch(*bound("free_volunteers", now=now, **columns(Coming, chosen)))
    free = {(row["volunteer_id"], row["incident_id"]): row for row in rows}
    shut: Shut = {}
    for incident_id, choice in choices.items():
        incident = asking[incident_id]
        for pick in list(choice.picks):
            if pick.volunteer_id not in held:
                choice.drop(pick.volunteer_id, Gate.HELD)
            elif (pick.volunteer_id, incident_id) not in free:
                choice.drop(pick.volunteer_id, Gate.OFFER)
        known = {p.volunteer_id: free[p.volunteer_id, incident_id] for p in choice.picks}
        apart = {who: row["apart"] for who, row in known.items()}
        busy = {who: Gate.ENGAGED for who, row in known.items() if row["busy"]}
        found = busy | _must_not_meet(incident, apart) | await _shut_by_lists(connection, incident, apart)
        if found:
            shut[incident_id] = found
    return shut


def _must_not_meet(incident: Incident, apart: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, Gate]:
    """Return those of the selected who must not meet somebody involved, or selected before them."""
    if not any(apart.values()):
        return {}
    there, shut = {*incident.involved(), *(offer.volunteer_id for offer in incident.waiting_list())}, {}
    for who, others in apart.items():
        if there.isdisjoint(others):
            there.add(who)
        else:
            shut[who] = Gate.APART
    return shut


async def _shut_by_lists(
    connection: asyncpg.Connection, incident: Incident, people: Collection[UUID]
) -> dict[UUID, Gate]:
    """Return those of the selected whom the lists of the plan shut out by now."""
    policy = incident.plan.search
    if not people or (policy.only is None and policy.never is None):
        return {}
    standings = await read_standings(connection, incident, people)
    return {who: gates for who, one in standings.items() if (gates := list_gates(policy, one))}
