"""Changes of several tables in one statement: they leave the rows that a statement for each table leaves."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from dispatch.domain.commands import Act, AnswerOffer, Command, Consider, Free, Pick, Tick
from dispatch.domain.decide import apply
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.domain.opening import open_incident
from dispatch.storage.changes import save
from dispatch.storage.incidents import changes_of, plans_of
from dispatch.storage.projections import PROJECTIONS, rows_of
from dispatch.storage.table import Change, Row
from schemas.ids import named
from tests.domain.builders import START, hazards, opening, person, plan

ANSWERS: Any = ("accepted", "accepted", "declined", "en_route", "on_scene", "released", "acknowledged")
ACTS: Any = ("hold", "resume", "abort", "takeover", "give-back", "escalate")
STEPS = 12
Stored = dict[str, list[Row]]


def history(chance: Random) -> Iterator[list[Decision]]:
    """Yield the decisions of each step of two incidents; what they claim never meets."""
    now, decisions = START, [_opened(number) for number in range(2)]
    yield decisions
    for step in range(STEPS):
        now += timedelta(seconds=chance.choice([0, 1, 30, 61]))
        decisions = [Decision(decision.incident, now) for decision in decisions]
        for place, decision in enumerate(decisions):
            for _ in range(chance.randint(1, 4)):
                _attempt(decision, _command(chance, decision.incident, 100 * step + 10 * place))
        yield decisions


def _opened(number: int) -> Decision:
    seats = (
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 2},
    )
    return open_incident(opening(report_id=named("report", number)), plan(seats=seats), START)


def _command(chance: Random, incident: Incident, first: int) -> Command:
    offers = list(incident.offers.values())
    who = [person(first + number) for number in range(chance.randint(1, 5))]
    if not offers or chance.random() < 0.2:
        picked = tuple(Pick(one, chance.choice(["driver", "helper"]), 100) for one in who)
        return Consider(named("round", incident.id, first), picked)
    offer = chance.choice(offers)
    commands: list[Command] = [
        AnswerOffer(offer.id, offer.volunteer_id, chance.choice(ANSWERS), "page", START),
        AnswerOffer(offer.id, offer.volunteer_id, "accepted", "page", START),
        Free(offer.volunteer_id, "left"),
        Act(chance.choice(ACTS), "Ada"),
        hazards("traffic"),
        Tick(),
    ]
    return chance.choice(commands)


def _attempt(decision: Decision, command: Command) -> None:
    before, count = decision.incident, len(decision.events)
    try:
        apply(decision, command)
    except RefusedError:
        decision.incident = before
        del decision.events[count:]


async def written(connection: asyncpg.Connection, seed: int, *, at_once: bool) -> list[Stored]:
    """Write a history, then roll back; return the rows after each step."""
    found = []
    attempt = connection.transaction()
    await attempt.start()
    for decisions in history(Random(seed)):
        events = [event for decision in decisions for event in decision.events]
        changed = [decision for decision in decisions if decision.events]
        changes = [plans_of(events, (), START), *(changes_of(changed) if changed else ())]
        for group in [changes] if at_once else [[change] for change in changes]:
            await save(connection, group)
        found.append(await _stored(connection, [decision.incident for decision in decisions]))
    await attempt.rollback()
    return found


async def _stored(connection: asyncpg.Connection, incidents: Sequence[Incident]) -> Stored:
    names = [incident.id for incident in incidents]
    return {
        table.name: [table.packed(tuple(record)) for record in await table.read(connection, names)]
        for table in PROJECTIONS
    }


@pytest.fixture(autouse=True)
async def organisation(connection: asyncpg.Connection) -> None:
    """Store the organisation of the incidents."""
    await connection.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'SDIS 67', $2)",
        named("organisation"),
        START,
    )


@pytest.mark.parametrize("seed", range(10))
async def test_one_statement_leaves_the_same_rows_as_a_statement_for_each_table(
    connection: asyncpg.Connection, seed: int
) -> None:
    stored = await written(connection, seed, at_once=True)
    assert stored == await written(connection, seed, at_once=False)
    for rows, decisions in zip(stored, history(Random(seed)), strict=True):
        wanted = [rows_of(decision.incident) for decision in decisions]
        for table in PROJECTIONS:
            assert sorted(rows[table.name], key=table.key_of) == sorted(
                (row for one in wanted for row in one[table]), key=table.key_of
            )


async def test_changes_of_all_projections_take_one_statement(connection: asyncpg.Connection) -> None:
    decisions = [_opened(1)]
    decisions[0].escalate("uncovered", page=True)
    queries: list[str] = []
    connection.add_query_logger(lambda record: queries.append(record.query))
    await save(connection, [plans_of(decisions[0].events, (), START), *changes_of(decisions)])
    await save(connection, [Change(table, (), ()) for table in PROJECTIONS])
    await asyncio.sleep(0)  # asyncpg logs a query in the next turn of the loop
    assert len([query for query in queries if "INSERT INTO" in query]) == 1
