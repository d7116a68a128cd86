"""What the order of people rests on where a plan does not simply ask the nearest, read for those within the radius."""

from collections.abc import Collection, Sequence
from datetime import datetime
from struct import Struct
from uuid import UUID

import asyncpg

from dispatch.domain.incident import Incident
from dispatch.domain.matching.ranking import Place, Ranking, Standing
from dispatch.storage.queries import bound
from dispatch.storage.questions import EPOCH, MICROSECOND, Question

PLACE = Struct("!16sBq")
"""Id, group, microseconds of the last assignment since 1970."""
NONE = -(2**63)
"""Stands for no assignment."""


async def add_standings(connection: asyncpg.Connection, asked: Sequence[Question]) -> None:
    """Add to the questions of plans that do not simply ask the nearest what their orders rest on."""
    for question in asked:
        if question.ranked:
            question.add_standings(await read_standings(connection, question.incident, question.people()))


async def read_standings(
    connection: asyncpg.Connection, incident: Incident, people: Collection[UUID]
) -> dict[UUID, Standing]:
    """Return what the plan of an incident wants to know of some members."""
    policy = incident.plan.search
    query = bound(
        "standings", organisation=incident.organisation, people=sorted(people), only=policy.only,
        never=policy.never, turn=policy.choose == "turn", mode=incident.mode,
    )  # fmt: skip
    return {who: Standing(*rest) for who, *rest in await connection.fetch(*query)}


def packed_ranking(ranking: Ranking | None) -> bytes | None:
    """Return an order as rounds store it."""
    if ranking is None:
        return None
    return b"".join(PLACE.pack(one.volunteer_id.bytes, one.group, _packed(one)) for one in ranking.places)


def unpacked_places(ranked: bytes) -> list[Place]:
    """Return a stored order."""
    return [Place(UUID(bytes=who), group, _moment(at)) for who, group, at in PLACE.iter_unpack(ranked)]


def _packed(place: Place) -> int:
    return NONE if place.last_assigned_at is None else (place.last_assigned_at - EPOCH) // MICROSECOND


def _moment(packed_at: int) -> datetime | None:
    return None if packed_at == NONE else EPOCH + packed_at * MICROSECOND
