"""Embedded services are started again when they die, however often that fails."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from dispatch.cli import hosting
from dispatch.cli.embedded.process import Service
from dispatch.cli.embedded.programs import EmbeddedServiceError


class Fragile(Service):
    """A service that dies at once, and fails to start so often in between."""

    name = "the fragile one"

    def __init__(self, log: Path, failures: list[Exception]) -> None:
        super().__init__(log)
        self.failures = failures
        self.starts = 0

    async def start(self) -> str:
        """Start, or fail as was told."""
        if self.failures:
            raise self.failures.pop(0)
        self.starts += 1
        return ""

    async def stop(self) -> None:
        """Do nothing."""

    async def wait(self) -> int | None:
        """Die after a moment."""
        await asyncio.sleep(0.01)
        return 1


async def test_a_database_that_fails_to_start_is_started_again_until_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hosting, "START_AGAIN_AFTER_S", 0.01)
    service = Fragile(tmp_path / "log", [EmbeddedServiceError("no pg_control"), OSError(28, "No space left")])
    services = hosting.Embedded(service, None)  # type: ignore[arg-type]
    care = asyncio.create_task(hosting.watch_over(services, None, asyncio.Event()))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while service.starts < 2:
            await asyncio.sleep(0.01)
    care.cancel()
    with suppress(asyncio.CancelledError):
        await care
    said = capsys.readouterr().out
    assert "no pg_control" in said
    assert "No space left" in said
