"""Supervision of the embedded services: a failed start is retried, and affects no other service."""

import asyncio
from typing import cast

import pytest

from dispatch.embedded import EmbeddedPostgres, EmbeddedServiceError
from dispatch.embedded.backup_schedule import BackupSchedule
from dispatch.runtime import embedded_services
from dispatch.runtime.embedded_services import Embedded, supervise
from dispatch.runtime.kafka_connection import KafkaConnection
from tests.support.site import until


class FailingService:
    """A service that has ended and fails its next starts."""

    name = "the failing service"

    def __init__(self, failures: int) -> None:
        """Fail so many starts."""
        self.failures, self.starts = failures, 0

    async def wait(self) -> None:
        """Return at once until a start succeeds."""
        if self.starts > self.failures:
            await asyncio.Event().wait()

    async def start(self) -> None:
        """Fail while failures are left."""
        self.starts += 1
        if self.starts <= self.failures:
            raise EmbeddedServiceError("the disk is full")

    async def run(self) -> None:
        """Fail in place of backing up."""
        raise RuntimeError("unforeseen")


async def test_a_database_that_fails_to_start_is_retried_while_other_tasks_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embedded_services, "FIRST_PAUSE_S", 0.01)
    failing = FailingService(3)
    services = Embedded(cast("EmbeddedPostgres", failing), None, cast("BackupSchedule", failing))
    supervision = asyncio.create_task(supervise(services, cast("KafkaConnection", None), asyncio.Event()))

    async def started() -> bool:
        return failing.starts == 4

    await until(started)
    assert not supervision.done()
    assert "the disk is full" in capsys.readouterr().out
    supervision.cancel()
    await asyncio.wait({supervision})
