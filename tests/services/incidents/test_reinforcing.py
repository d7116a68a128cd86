"""Seats that are added: people are asked in the same transaction, and the journal rebuilds them."""

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.commands import Act
from dispatch.domain.errors import RefusedError
from dispatch.services.incidents import execution
from dispatch.services.operations.rebuilding import differences
from dispatch.storage import write_generation
from tests.support.world import World

MORE = Act("reinforce", "Ada", role="helper", count=2)


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).create()


async def test_people_are_asked_for_the_added_seats_in_the_same_transaction(world: World) -> None:
    people = await world.add_people(8)
    incident = await world.ask()
    for who in people[:2]:
        await world.answer(incident, who, "accepted")
    assert await world.asked(incident) == []
    after = await execution.execute_command(world.uow, world.organisation, incident, MORE)
    assert len(after.live) > 0
    assert after.seats == (await world.read(incident)).seats
    for who in [offer.volunteer_id for offer in after.live_offers()][:2]:
        await world.answer(incident, who, "accepted")
    assert (await world.read(incident)).covered_at is not None
    async with world.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        assert not await differences(connection, [incident])  # type: ignore[arg-type]


async def test_nothing_is_added_while_a_process_of_an_older_release_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await world.ask()
    monkeypatch.setattr(write_generation, "current", 1)
    with pytest.raises(RefusedError):
        await execution.execute_command(world.uow, world.organisation, incident, MORE)
