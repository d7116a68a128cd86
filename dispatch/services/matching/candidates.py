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
from dispatch.domain.matching.ranking import Draw, Ranking, rank
from dispatch.domain.matching.selection import Choice, allocate
from dispatch.services.matching.sendable import Sendable
from dispatch.storage.candidates import claim, explore
from dispatch.storage.packed_reasons import packed, packed_counts
from dispatch.storage.queries import bound, columns
from dispatch.storage.questions import Question
from dispatch.storage.reasons import complete
from dispatch.storage.standings import add_standings, packed_ranking
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
    ranked: bytes | None


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
    await add_standings(connection, questions)
    found = {one.incident.id: one.found for one in questions}
    await sendable.gate(connection, found)
    choices = await _claimed(connection, questions, asking, wanted, now)
    await complete(connection, questions, choices, now)
    return [
        Round(
            round_id(i), i, wanted[i.id].total(), choices.get(i.id, Choice()),
            max(now, i.last_at), i.id in sendable.held_back,
        )
        for i in incidents if not sendable.is_paused(i)
    ]  # fmt: skip


def round_id(incident: Incident) -> UUID:
    """Return the id of the round that an incident is in: the same if it is done again."""
    return derived(incident.id, "round", incident.seq)


def _rankings(questions: Sequence[Question]) -> dict[UUID, Ranking]:
    """Return the orders of those who may be asked, for plans that do not simply ask the nearest."""
    return {
        one.incident.id: rank(
            one.incident.plan.search, Draw(one.incident.id, round_id(one.incident)), one.passing(), one.standings,
            one.stations(),
        )
        for one in questions if one.ranked
    }  # fmt: skip


async def _claimed(
    connection: asyncpg.Connection,
    questions: Sequence[Question],
    asking: Sequence[Incident],
    wanted: Wanted,
    now: datetime,
) -> dict[UUID, Choice]:
    """Choose and claim, again without those who turn out to be shut out: each time there is at least one less."""
    found = {one.incident.id: one.found for one in questions}
    while True:
        choices = allocate(asking, wanted, found, _rankings(questions))
        if not (shut := await claim(connection, choices, asking, now)):
            return choices
        for one in questions:
            one.shut(shut.get(one.incident.id, {}))


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
        packed_ranking(choice.ranking),
    )  # fmt: skip
