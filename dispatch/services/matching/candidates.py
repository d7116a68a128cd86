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
from dispatch.services.matching.sendable import Sendable
from dispatch.storage.candidates import claim, explore
from dispatch.storage.packed_reasons import packed, packed_counts
from dispatch.storage.queries import bound, columns
from dispatch.storage.reasons import complete
from schemas.ids import derived

Wanted = Mapping[UUID, Counter[str]]


@dataclass(frozen=True, slots=True)
class Round:
    """One search for one incident, as it was then: who was chosen, and why the others near by were not.

    `unsendable` where others would have been chosen if something could be sent to them.
    """

    id: UUID
    incident: Incident
    wanted: int
    choice: Choice
    at: datetime
    unsendable: bool = False


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

    Incidents of organisations that have paused new offers are left out; those of organisations for which nothing can be
    sent return a round that chose nobody.
    """
    sendable = await Sendable.read(connection, incidents, now)
    asking = [incident for incident in incidents if sendable.may_search(incident)]
    wanted = {incident.id: sendable.limit(incident, wanted[incident.id]) for incident in incidents}
    questions = await explore(connection, asking, wanted, now)
    found = {one.incident.id: one.found for one in questions}
    await sendable.gate(connection, found)
    choices = allocate(asking, wanted, found)
    await claim(connection, choices, asking)
    await complete(connection, questions, choices, now)
    return [
        Round(
            derived(i.id, "round", i.seq), i, wanted[i.id].total(), choices.get(i.id, Choice()),
            max(now, i.last_at), i.id in sendable.held_back,
        )
        for i in incidents if not sendable.is_paused(i)
    ]  # fmt: skip


async def write(connection: asyncpg.Connection, rounds: Sequence[Round]) -> None:
    """Store rounds; their incidents must be stored already."""
    rows = [_row(found) for found in rounds if found.choice.picks or not found.unsendable]
    if rows:
        await connection.execute(*bound("write_rounds", **columns(RoundRow, rows)))


def _row(found: Round) -> RoundRow:
    picked = [[str(p.volunteer_id), p.role, p.distance_m] for p in found.choice.picks]
    incident, choice = found.incident, found.choice
    return RoundRow(
        found.id, incident.id, found.at, incident.radius_m, found.wanted, orjson.dumps(picked).decode(),
        packed(choice.passed_over), packed_counts(choice.beyond, complete=choice.counted),
    )  # fmt: skip
