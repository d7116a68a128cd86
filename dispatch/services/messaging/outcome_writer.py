"""The writer of send outcomes, in bulk: while one transaction runs, the next outcomes queue up."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.core.error_classification import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.messages import SendOutcome, record_outcomes
from dispatch.storage.pool import describe

PAUSE_AFTER_ERROR_S = 1.0

Result = asyncio.Future[asyncpg.Record | None]

log = structlog.get_logger()


class OutcomeWriter:
    """Writes outcomes in one transaction at a time, at once where none is running."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._waiting: list[tuple[SendOutcome, Result]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, outcome: SendOutcome) -> asyncpg.Record | None:
        """Write an outcome, however long that takes: a message without one would be sent again.

        Returns the message, or None where its lease was lost. Raises the error that this outcome alone causes.
        """
        result: Result = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, result))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._run())
        return await result

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._together(batch)

    async def _together(self, batch: Sequence[tuple[SendOutcome, Result]]) -> None:
        try:
            rows = await self._insist([outcome for outcome, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised where the outcome that cannot be written is awaited
            await self._alone(batch, error)
            return
        for outcome, result in batch:
            if not result.done():
                result.set_result(rows.get(outcome.id))

    async def _alone(self, batch: Sequence[tuple[SendOutcome, Result]], error: Exception) -> None:
        """Find the outcome that cannot be written, and write the others."""
        if len(batch) > 1:
            for one in batch:
                await self._together([one])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)

    async def _insist(self, outcomes: Sequence[SendOutcome]) -> dict[UUID, asyncpg.Record]:
        while True:
            try:
                return await self._uow.transact(partial(record_outcomes, outcomes))
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("outcomes of messages cannot be written; trying again", error=describe(error))
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
