"""Candidates around incidents: searched, allocated across the batch, claimed, and recorded with their reasons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson

from dispatch.domain.incident import Incident
from dispatch.domain.matching.selection import Choice, allocate
from dispatch.storage.candidates import claim, explore
from dispatch.storage.packed_reasons import packed, packed_counts
from dispatch.storage.queries import bound, columns, sql
from dispatch.storage.reasons import complete
from schemas.ids import derived

Wanted = Mapping[UUID, Counter[str]]


@dataclass(frozen=True, slots=True)
class Round:
    """One search for one incident, as it was then: who was chosen, and why the others near by were not."""

    id: UUID
    incident: Incident
    wanted: int
    choice: Choice
    at: datetime


class RoundRow(NamedTuple):
    """A round as `write_rounds` takes it."""

    id: UUID
    incident_id: UUID
    at: datetime
    radius_m: int
    wanted: int
    picked: str
    passed: bytes
    beyond: str | None


async def choose(
    connection: asyncpg.Connection, incidents: Sequence[Incident], wanted: Wanted, now: datetime
) -> list[Round]:
    """Choose and claim volunteers for each incident; return each round with its reasons, to be stored by `write`.

    Incidents of organisations that have paused new offers are left out.
    """
    asking = await _unpaused(connection, incidents)
    questions = await explore(connection, asking, wanted, now)
    choices = allocate(asking, wanted, {one.incident.id: one.found for one in questions})
    await claim(connection, choices, {incident.id: incident.lane for incident in asking})
    await complete(connection, questions, choices, now)
    return [
        Round(derived(i.id, "round", i.seq), i, wanted[i.id].total(), choices[i.id], max(now, i.last_at))
        for i in asking
    ]


async def write(connection: asyncpg.Connection, rounds: Sequence[Round]) -> None:
    """Store rounds; their incidents must be stored already."""
    if rounds:
        rows = [_row(found) for found in rounds]
        await connection.execute(*bound("write_rounds", **columns(RoundRow, rows)))


async def _unpaused(connection: asyncpg.Connection, incidents: Sequence[Incident]) -> list[Incident]:
    if not incidents:
        return []
    organisations = sorted({incident.organisation for incident in incidents})
    paused = {row["id"] for row in await connection.fetch(sql("paused_organisations"), organisations)}
    return [incident for incident in incidents if incident.organisation not in paused]


def _row(found: Round) -> RoundRow:
    picked = [[str(p.volunteer_id), p.role, p.distance_m] for p in found.choice.picks]
    incident, choice = found.incident, found.choice
    return RoundRow(
        found.id, incident.id, found.at, incident.radius_m, found.wanted, orjson.dumps(picked).decode(),
        packed(choice.passed_over), packed_counts(choice.beyond, complete=choice.counted),
    )  # fmt: skip
