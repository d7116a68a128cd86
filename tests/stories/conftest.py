"""A city of its own for every story."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker
from dispatch.runtime.embedded_services import Embedded
from tests.stories.city import City

NIGHT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
QUIET_S = 6 * 3600
"""How long, from then on, a notice waits for the morning."""


@pytest.fixture
async def city(database: str, tmp_path: Path) -> AsyncIterator[City]:
    """Start a city at night, without volunteers."""
    async with (
        EmbeddedBroker(tmp_path) as broker,
        City.open(database, Embedded(None, broker), MovableClock(NIGHT)) as city,
    ):
        yield city
