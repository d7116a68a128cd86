"""Care for the embedded services: what fails to start is tried again, and ends the care for nothing else."""

import asyncio
from typing import cast

import pytest

from dispatch.embedded import EmbeddedPostgres, EmbeddedServiceError
from dispatch.embedded.backup_schedule import Backing
from dispatch.runtime import hosting
from dispatch.runtime.hosting import Embedded, watch_over
from dispatch.runtime.node import Node
from tests.support.site import until


class Mortal:
    """A service that is dead, and fails to start as often as it is told."""

    name = "the mortal"

    def __init__(self, failures: int) -> None:
        """Take how many starts fail."""
        self.failures, self.starts = failures, 0

    async def wait(self) -> None:
        """Return at once while dead."""
        if self.starts > self.failures:
            await asyncio.Event().wait()

    async def start(self) -> None:
        """Fail while failures are left."""
        self.starts += 1
        if self.starts <= self.failures:
            raise EmbeddedServiceError("the disk is full")

    async def run(self) -> None:
        """Back up nothing, and fail."""
        raise RuntimeError("unforeseen")


async def test_a_database_that_fails_to_start_is_tried_again_whatever_else_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hosting, "FIRST_PAUSE_S", 0.01)
    mortal = Mortal(3)
    services = Embedded(cast("EmbeddedPostgres", mortal), None, cast("Backing", mortal))
    care = asyncio.create_task(watch_over(services, cast("Node", None), asyncio.Event()))

    async def revived() -> bool:
        return mortal.starts == 4

    await until(revived)
    assert not care.done()
    assert "the disk is full" in capsys.readouterr().out
    care.cancel()
    await asyncio.wait({care})
