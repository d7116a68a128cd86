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
from dispatch.storage.candidates import claim, search
from dispatch.storage.queries import bound, columns, sql
from schemas.ids import derived

Wanted = Mapping[UUID, Counter[str]]


@dataclass(frozen=True, slots=True)
class Round:
    """One search for one incident: who was chosen, and why the others near by were not."""

    id: UUID
    incident_id: UUID
    choice: Choice


class RoundRow(NamedTuple):
    """A round as `write_rounds` takes it."""

    id: UUID
    incident_id: UUID
    at: datetime
    radius_m: int
    wanted: int
    picked: str
    passed_over: str


async def choose(
    connection: asyncpg.Connection, incidents: Sequence[Incident], wanted: Wanted, now: datetime
) -> list[Round]:
    """Choose and claim volunteers for each incident, and store each round with its reasons.

    Incidents of organisations that have paused new offers are left out.
    """
    asking = await _unpaused(connection, incidents)
    found = await search(connection, asking, wanted, now)
    choices = allocate(asking, wanted, found)
    await claim(connection, choices, {incident.id: incident.lane for incident in asking})
    rounds = [Round(derived(i.id, "round", i.seq), i.id, choices[i.id]) for i in asking]
    rows = [_row(r, i, wanted[i.id].total(), now) for r, i in zip(rounds, asking, strict=True)]
    if rows:
        await connection.execute(*bound("write_rounds", **columns(RoundRow, rows)))
    return rounds


async def _unpaused(connection: asyncpg.Connection, incidents: Sequence[Incident]) -> list[Incident]:
    if not incidents:
        return []
    organisations = sorted({incident.organisation for incident in incidents})
    paused = {row["id"] for row in await connection.fetch(sql("paused_organisations"), organisations)}
    return [incident for incident in incidents if incident.organisation not in paused]


def _row(found: Round, incident: Incident, wanted: int, now: datetime) -> RoundRow:
    picked = [[str(p.volunteer_id), p.role, p.distance_m] for p in found.choice.picks]
    passed = [
        [str(who), round(metres), int(gates)] for who, (metres, gates) in found.choice.passed_over.items()
    ]
    at = max(now, incident.last_at)
    notes = (orjson.dumps(picked).decode(), orjson.dumps(passed).decode())
    return RoundRow(found.id, found.incident_id, at, incident.radius_m, wanted, *notes)
