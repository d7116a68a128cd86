"""The scene of most tests of messages."""

import asyncpg
import pytest

from dispatch.clock import MovableClock
from tests.support.post import Post


@pytest.fixture
async def post(pool: asyncpg.Pool, clock: MovableClock) -> Post:
    """Three volunteers with phones; two are needed."""
    return await Post.open(pool, clock)
