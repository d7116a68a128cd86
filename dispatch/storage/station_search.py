"""The search for a crew: the members of the stations that an incident asks, wherever the incident is."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.matching.geo import curvature, mercator
from dispatch.storage.queries import bound, columns
from dispatch.storage.questions import Near, Question
from dispatch.storage.search_areas import SearchArea
from schemas.base import MusterPoint


async def add_members(connection: asyncpg.Connection, asked: Sequence[Question], now: datetime) -> None:
    """Add to the questions of incidents that ask stations their members; nothing is read for any other."""
    owners = [(question, station) for question in asked for station in question.incident.stations]
    if not owners:
        return
    members: dict[UUID, dict[str, list[Near]]] = defaultdict(lambda: defaultdict(list))
    query = bound(
        "search_members",
        n=list(range(len(owners))),
        station=[station.name for _, station in owners],
        now=now,
        **columns(SearchArea, list(_areas(owners))),
    )
    for n, who, metres, gates, born, skills in await connection.fetch(*query):
        question, station = owners[n]
        members[question.incident.id][station.name].append((metres, who, gates, born, skills, 0.0))
    for question in asked:
        if question.incident.by_station:
            question.add_members(members[question.incident.id])


def _areas(owners: Sequence[tuple[Question, MusterPoint]]) -> Iterator[SearchArea]:
    """Yield the area of each incident as seen from a station: distance counts from there."""
    for question, station in owners:
        x, y = mercator(station.position.lat, station.position.lon)
        east, north = curvature(station.position.lat)
        yield question.areas[0]._replace(x=x, y=y, east=east, north=north)
