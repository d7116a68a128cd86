"""A broker, and relays that publish on it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dispatch.clock import MovableClock
from dispatch.embedded import EmbeddedBroker
from dispatch.services.subscriptions import READERS
from producers.kafka.relay import Relay
from tests.support.relays import Begin


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
async def relay_on(database: str, broker: EmbeddedBroker, clock: MovableClock) -> AsyncIterator[Begin]:
    running: list[Relay] = []

    def begin(**options: Any) -> Relay:  # noqa: ANN401 - of a relay
        relay = Relay(database, broker.address, clock, READERS, embedded=True, **options)
        tasks.append(asyncio.create_task(relay.run()))
        running.append(relay)
        return relay

    tasks: list[asyncio.Task[None]] = []
    yield begin
    await asyncio.gather(*(relay.stop() for relay in running))
