"""The projections: declared as the database has them, written in an order that no unique index refuses."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from dispatch.clock import MovableClock
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Incident, Offer
from dispatch.storage import incidents as store
from dispatch.storage.changes import save
from dispatch.storage.pool import transaction
from dispatch.storage.projections import ASSIGNMENTS, PROJECTIONS, rows_of
from dispatch.storage.table import Table
from schemas.incidents import Shortfall
from tests.domain.builders import plan
from tests.support.world import TRUSTED, World

NAMES = [table.name for table in PROJECTIONS]
TYPES = {
    "uuid": "uuid", "text": "text", "int4": "int", "int2": "smallint", "bool": "bool", "float8": "float8",
    "timestamptz": "timestamptz", "_text": "text[]", "jsonb": "jsonb",
}  # fmt: skip


@pytest.mark.parametrize("table", PROJECTIONS, ids=NAMES)
async def test_a_projection_declares_the_columns_and_the_key_of_its_table(
    table: Table, connection: asyncpg.Connection
) -> None:
    columns = await connection.fetch(
        "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = $1", table.name
    )
    assert {name: TYPES[type_] for name, type_ in columns} == dict(table.columns)
    key = await connection.fetchval(
        "SELECT array_agg(attname ORDER BY attname) FROM pg_index JOIN pg_attribute"
        " ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = $1::regclass AND indisprimary",
        table.name,
    )
    assert sorted(table.key) == key


async def test_every_partial_unique_index_of_a_projection_is_declared(connection: asyncpg.Connection) -> None:
    indexes = await connection.fetch(
        "SELECT indexrelid::regclass::text, array(SELECT attname::text FROM pg_attribute"
        " WHERE attrelid = indrelid AND attnum = ANY (indkey) ORDER BY 1) FROM pg_index"
        " WHERE indisunique AND indpred IS NOT NULL AND indrelid = ANY ($1::text[]::regclass[])",
        NAMES,
    )
    declared = {claim.constraint: sorted(claim.columns) for table in PROJECTIONS for claim in table.claims}
    assert dict(map(tuple, indexes)) == declared


@pytest.mark.parametrize("table", PROJECTIONS, ids=NAMES)
async def test_every_statement_of_a_projection_fits_the_schema(
    table: Table, connection: asyncpg.Connection
) -> None:
    for text in table.statements.values():
        await connection.prepare(text)


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    world = await World(pool, clock, [plan(trusted_sources=(TRUSTED,))]).create()
    await world.add_people(8)
    return world


async def seated(world: World, source_id: str) -> Incident:
    """Open an incident and let two people accept."""
    name = await world.ask(source_id)
    for who in (await world.asked(name))[:2]:
        await world.answer(name, who, "accepted")
    return await world.read(name)


async def write(world: World, after: Iterable[Incident]) -> None:
    """Write incidents as they would be after an event that may change anything."""
    async with transaction(world.pool) as connection:
        locked = await store.lock(connection, [incident.id for incident in after])
        decisions = []
        for incident in after:
            decision = Decision(locked[incident.id], world.now)
            decision.add(
                Shortfall(
                    at=world.now, incident_id=incident.id, wanted=1, found=0, radius_m=1000, shut={},
                    retry_at=world.now + timedelta(seconds=30),
                )
            )  # fmt: skip
            decision.incident = replace(
                incident,
                seq=decision.incident.seq,
                last_at=decision.incident.last_at,
                retry_at=decision.incident.retry_at,
            )
            decisions.append(decision)
        await store.write(connection, decisions, world.now)


def without_time(incident: Incident) -> Incident:
    """Return an incident without the fields that any event changes."""
    return replace(incident, seq=0, last_at=None, retry_at=None)


async def check(world: World, wanted: Sequence[Incident]) -> None:
    """Write incidents and find them as they were written."""
    await write(world, wanted)
    for incident in wanted:
        assert without_time(await world.read(incident.id)) == without_time(incident)


def swapped(incident: Incident) -> Incident:
    """Let the two people of an incident take each other's seats."""
    one, two = incident.seats
    first, second = incident.assignments.values()
    return replace(
        incident,
        seats=(
            replace(one, assignment_id=two.assignment_id),
            replace(two, assignment_id=one.assignment_id),
        ),
        assignments={
            first.id: replace(first, seat=second.seat),
            second.id: replace(second, seat=first.seat),
        },
    )


async def test_two_people_who_swap_seats_violate_nothing(world: World) -> None:
    await check(world, [swapped(await seated(world, "1"))])


async def test_people_of_two_incidents_who_swap_their_assignments_violate_nothing(world: World) -> None:
    incidents = [await seated(world, "1"), await seated(world, "2")]
    people = [next(iter(incident.assignments.values())).volunteer_id for incident in incidents]
    changed = []
    for incident, who in zip(incidents, reversed(people), strict=True):
        first, *others = incident.assignments.values()
        exchanged = (replace(first, volunteer_id=who), *others)
        changed.append(replace(incident, assignments={one.id: one for one in exchanged}))
    await check(world, changed)


async def test_volunteers_whose_live_offers_are_exchanged_violate_nothing(world: World) -> None:
    incident = await world.read(await world.ask())
    one, two, *_ = [offer for offer in incident.offers.values() if offer.status == "extended"]
    exchanged = {
        one.id: replace(one, volunteer_id=two.volunteer_id),
        two.id: replace(two, volunteer_id=one.volunteer_id),
    }
    await check(world, [replace(incident, live={**incident.live, **exchanged})])


async def test_an_offer_is_made_in_the_transaction_that_ends_another_of_the_same_person(world: World) -> None:
    incident = await world.read(await world.ask())
    live = next(offer for offer in incident.offers.values() if offer.status == "extended")
    again = replace(live, id=UUID(int=1))
    ended: Offer = replace(live, status="withdrawn", settled_at=world.now)
    others = {offer.id: offer for offer in incident.live_offers() if offer is not live}
    settled = {**incident.settled, ended.id: ended}
    await check(world, [replace(incident, live={**others, again.id: again}, settled=settled)])


async def test_every_column_that_is_no_key_is_written_again(world: World) -> None:
    incident = await seated(world, "1")
    one, two = incident.seats
    live = next(offer for offer in incident.offers.values() if offer.status != "extended")
    await check(
        world,
        [
            replace(
                incident,
                kind="medical.pain", report_id=UUID(int=2), engagement="crew", taken_by="Ada",
                seats=(one, replace(two, role="driver", all_skills=("c", "d"), min_age=21, reserve=True)),
                settled={
                    **incident.settled,
                    live.id: replace(
                        live, role="driver", expires_at=live.expires_at + timedelta(seconds=9), distance_m=7,
                        round_id=UUID(int=3),
                    ),
                },
            )
        ],
    )  # fmt: skip


async def test_a_seat_that_is_gone_is_deleted(world: World) -> None:
    incident = await world.read(await world.ask())
    await check(world, [replace(incident, seats=incident.seats[:1])])


async def test_a_replanned_incident_keeps_its_new_plan(world: World) -> None:
    incident = await world.read(await world.ask())
    other = plan(name="other", seats=({"role": "driver", "skills": ("c",), "count": 3},))
    await check(world, [replace(incident, plan=other, plan_hash=other.hash)])
    assert await world.pool.fetchval("SELECT name FROM plans WHERE hash = $1", other.hash) == "other"


async def test_rows_that_are_as_they_were_are_not_written(world: World) -> None:
    incident = await seated(world, "1")
    before = await world.pool.fetch("SELECT id, xmin FROM assignments ORDER BY id")
    async with transaction(world.pool) as connection:
        rows = rows_of(incident)[ASSIGNMENTS]
        change = ASSIGNMENTS.change(rows, rows_of(await world.read(incident.id))[ASSIGNMENTS])
        await save(connection, [change])
    assert await world.pool.fetch("SELECT id, xmin FROM assignments ORDER BY id") == before
