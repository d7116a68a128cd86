"""An HTTP application with a scene on a fresh database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.core.unit_of_work import UnitOfWork
from tests.http.site import Site, serve
from tests.support.scene import Scene


@pytest.fixture
async def site(pool: asyncpg.Pool, clock: MovableClock) -> AsyncIterator[Site]:
    uow, readiness = UnitOfWork(pool, clock), {"postgres": True, "kafka": True}
    async with serve(uow, readiness) as client:
        yield Site(await Scene.open(uow), client, readiness)
