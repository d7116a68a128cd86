"""Noting what became of messages, in bulk: while one transaction runs, the next outcomes pile up."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.core.failures import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.messages import Outcome, record
from dispatch.storage.pool import describe

PAUSE_AFTER_ERROR_S = 1.0

Heard = asyncio.Future[asyncpg.Record | None]

log = structlog.get_logger()


class Recorder:
    """Note outcomes with one transaction at a time, at once where none is running."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._waiting: list[tuple[Outcome, Heard]] = []
        self._writing: asyncio.Task[None] | None = None

    async def note(self, outcome: Outcome) -> asyncpg.Record | None:
        """Note an outcome, for as long as it takes: what is not noted would be sent again.

        Returns the message, or None where it was not in hand any more. Raises what this outcome alone causes.
        """
        heard: Heard = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, heard))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await heard

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._together(batch)

    async def _together(self, batch: Sequence[tuple[Outcome, Heard]]) -> None:
        try:
            rows = await self._insist([outcome for outcome, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits for the outcome that cannot be noted hears it
            await self._alone(batch, error)
            return
        for outcome, heard in batch:
            if not heard.done():
                heard.set_result(rows.get(outcome.id))

    async def _alone(self, batch: Sequence[tuple[Outcome, Heard]], error: Exception) -> None:
        """Find the outcome that cannot be noted, and note the others."""
        if len(batch) > 1:
            for one in batch:
                await self._together([one])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)

    async def _insist(self, outcomes: Sequence[Outcome]) -> dict[UUID, asyncpg.Record]:
        while True:
            try:
                return await self._uow.transact(partial(record, outcomes))
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("outcomes of messages cannot be noted; trying again", error=describe(error))
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
