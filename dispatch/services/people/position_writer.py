"""Positions that arrive one by one, coalesced: one transaction per organisation for a tenth of a second."""

import asyncio
from collections import defaultdict
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.positions import MAX_AGE, PositionFix, write_positions

COALESCE_S = 0.1

Pending = list[tuple[PositionFix, "asyncio.Future[bool]"]]
"""Fixes to write, each with a future that says whether the volunteer is on the roster."""


class PositionWriter:
    """Coalesces the positions that one process receives."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._pending: dict[UUID, Pending] = defaultdict(list)
        self._writing: set[asyncio.Task[None]] = set()

    async def write(self, organisation: UUID, fix: PositionFix) -> None:
        """Store a position; return when it is committed.

        Raises InvalidError where it is older than a day, NotFoundError where the volunteer is not on the roster.
        """
        if fix.recorded_at <= self._uow.clock.now() - MAX_AGE:
            raise InvalidError("recorded_at", "more than a day ago: send where the volunteer is now")
        on_roster: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        pending = self._pending[organisation]
        pending.append((fix, on_roster))
        if len(pending) == 1:
            task = asyncio.create_task(self._write_soon(organisation))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        if not await on_roster:
            raise NotFoundError("there is no such volunteer on this roster")

    async def _write_soon(self, organisation: UUID) -> None:
        await asyncio.sleep(COALESCE_S)
        pending = self._pending.pop(organisation)
        (members,) = await asyncio.gather(self._write(organisation, pending), return_exceptions=True)
        for fix, on_roster in pending:
            if on_roster.done():
                continue
            if isinstance(members, BaseException):
                on_roster.set_exception(members)
            else:
                on_roster.set_result(fix.volunteer_id in members)

    async def _write(self, organisation: UUID, pending: Pending) -> set[UUID]:
        async def inside(connection: asyncpg.Connection, now: datetime) -> set[UUID]:
            return await write_positions(connection, (fix for fix, _ in pending), now, organisation)

        return await self._uow.transact(inside)
