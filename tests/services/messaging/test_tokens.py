"""Tokens of the links in messages: what they open, for how long, and who cannot make one."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging import tokens
from dispatch.storage.pool import transaction
from tests.support.scene import Scene

SECRET = b"s" * 32


@pytest.fixture
async def scene(pool: asyncpg.Pool, clock: MovableClock) -> Scene:
    return await Scene.open(UnitOfWork(pool, clock))


async def store_token(scene: Scene, offer_id: UUID, generation: int = 0) -> str:
    token = tokens.derive(SECRET, offer_id, generation)
    async with transaction(scene.uow.pool) as connection:
        await tokens.store(connection, token, offer_id, generation, scene.now)
    return token


async def test_a_token_opens_its_offer_and_is_nowhere_at_rest(scene: Scene) -> None:
    offer = await scene.offer(0)
    token = await store_token(scene, offer.id)
    view = await tokens.open_token(scene.uow, token, secret=SECRET)
    assert view is not None
    assert (view.offer_id, view.volunteer_id, view.offer_status) == (offer.id, scene.people[0], "extended")
    assert len(token) == 17
    assert token not in await scene.uow.pool.fetchval("SELECT tokens::text FROM tokens")


async def test_a_forged_token_opens_nothing(scene: Scene) -> None:
    offer = await scene.offer(0)
    token = await store_token(scene, offer.id)
    for forged in ("", "A" * 17, token[:-1], token + "A", token.swapcase(), "../" + token, "é" * 17):
        assert await tokens.open_token(scene.uow, forged, secret=SECRET) is None


async def test_who_writes_to_the_database_cannot_make_a_token(scene: Scene) -> None:
    offer = await scene.offer(0)
    async with transaction(scene.uow.pool) as connection:
        await tokens.store(connection, "A" * 17, offer.id, 0, scene.now)
    assert await tokens.open_token(scene.uow, "A" * 17, secret=SECRET) is None


async def test_a_revoked_token_opens_nothing_and_the_next_generation_does(scene: Scene) -> None:
    offer = await scene.offer(0)
    first = await store_token(scene, offer.id)
    await tokens.revoke(scene.uow, offer.id)
    second = await store_token(scene, offer.id, generation=1)
    assert await tokens.open_token(scene.uow, first, secret=SECRET) is None
    assert await tokens.open_token(scene.uow, second, secret=SECRET) is not None


async def test_a_token_lives_a_day_longer_than_its_incident(scene: Scene, clock: MovableClock) -> None:
    incident = await scene.incident()
    token = await store_token(scene, (await scene.offer(0, incident)).id)
    clock.advance(timedelta(days=3).total_seconds())
    assert await tokens.open_token(scene.uow, token, secret=SECRET) is not None
    await scene.act(incident.id, "close")
    clock.advance(timedelta(hours=23).total_seconds())
    assert await tokens.open_token(scene.uow, token, secret=SECRET) is not None
    clock.advance(timedelta(hours=2).total_seconds())
    assert await tokens.open_token(scene.uow, token, secret=SECRET) is None
