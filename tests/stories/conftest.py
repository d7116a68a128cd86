"""A city of its own for every story."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker
from dispatch.runtime.embedded_services import Embedded
from schemas.plans import Plan
from tests.stories.city import City

NIGHT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
QUIET_S = 6 * 3600
"""How long, from then on, a notice waits for the morning."""


@pytest.fixture
def plans() -> Sequence[Plan]:
    """Return the plans that a city has beside those that are shipped."""
    return ()


@pytest.fixture
async def city(database: str, tmp_path: Path, plans: Sequence[Plan]) -> AsyncIterator[City]:
    """Start a city at night, without volunteers."""
    async with (
        EmbeddedBroker(tmp_path) as broker,
        City.open(database, Embedded(None, broker), MovableClock(NIGHT), plans=plans) as city,
    ):
        yield city
