"""The search for people on lists: where a plan asks nobody else, they are found however many others are nearer."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.storage.queries import bound, columns
from dispatch.storage.questions import Near, Question
from dispatch.storage.search_areas import SearchArea


async def add_listed(connection: asyncpg.Connection, asked: Sequence[Question], now: datetime) -> None:
    """Add to the questions of plans with `only` who is on the list beyond the nearest; nothing is read for others."""
    owners = [
        (question, area) for question in asked if question.looks_for_listed() for area in question.areas
    ]
    if not owners:
        return
    listed: dict[UUID, list[Near]] = defaultdict(list)
    query = bound(
        "search_listed",
        n=list(range(len(owners))),
        list=[question.incident.plan.search.only for question, _ in owners],
        now=now,
        **columns(SearchArea, [area for _, area in owners]),
    )
    for n, who, metres, gates, born, skills, projected in await connection.fetch(*query):
        listed[owners[n][0].incident.id].append((metres, who, gates, born, skills, projected))
    for question in asked:
        if near := listed.get(question.incident.id):
            question.add_listed(near)
