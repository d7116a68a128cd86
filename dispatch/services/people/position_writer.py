"""Positions that are told one by one, written together: one transaction for all of a tenth of a second."""

import asyncio
from collections import defaultdict
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.volunteers import OLDEST_POSITION, Move, set_positions

GATHER_S = 0.1

Waiting = list[tuple[Move, "asyncio.Future[bool]"]]


class Tracking:
    """Gathers the positions that one process is told."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._waiting: dict[UUID, Waiting] = defaultdict(list)
        self._writing: set[asyncio.Task[None]] = set()

    async def put(self, organisation: UUID, move: Move) -> None:
        """Note where a volunteer is, and return when it is written.

        Raises InvalidError for a position of another day, NotFoundError for who is not on the roster.
        """
        if move.recorded_at <= self._uow.clock.now() - OLDEST_POSITION:
            raise InvalidError("recorded_at", "more than a day ago: where is the volunteer now?")
        known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[organisation]
        waiting.append((move, known))
        if len(waiting) == 1:
            task = asyncio.create_task(self._write_soon(organisation))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        if not await known:
            raise NotFoundError("there is no such volunteer on this roster")

    async def _write_soon(self, organisation: UUID) -> None:
        await asyncio.sleep(GATHER_S)
        waiting = self._waiting.pop(organisation)
        (found,) = await asyncio.gather(self._write(organisation, waiting), return_exceptions=True)
        for move, known in waiting:
            if known.done():
                continue
            if isinstance(found, BaseException):
                known.set_exception(found)
            else:
                known.set_result(move.volunteer_id in found)

    async def _write(self, organisation: UUID, waiting: Waiting) -> set[UUID]:
        async def work(connection: asyncpg.Connection, now: datetime) -> set[UUID]:
            return await set_positions(connection, (move for move, _ in waiting), now, organisation)

        return await self._uow.transact(work)
