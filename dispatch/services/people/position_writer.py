"""Positions that arrive one by one, coalesced: one transaction per organisation for a tenth of a second."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

import asyncpg

from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.group_commit import GroupCommit
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.members import people_of
from dispatch.services.people.positions import MAX_AGE, PositionFix, write_positions

COALESCE_S = 0.1


class PositionWriter:
    """Coalesces the positions that one process receives, by organisation."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._groups: dict[UUID, GroupCommit[PositionFix, bool]] = {}

    async def write(self, organisation: UUID, fix: PositionFix) -> None:
        """Store a position of the member whom the fix names by their id; return when it is committed.

        Raises InvalidError where it is older than a day or 0,0, NotFoundError where the volunteer is not on the roster.
        """
        if fix.lat == fix.lon == 0:
            raise InvalidError("lat", "0,0 means that the receiver has no position: send none")
        if fix.recorded_at <= self._uow.clock.now() - MAX_AGE:
            raise InvalidError("recorded_at", "more than a day ago: send where the volunteer is now")
        if organisation not in self._groups:
            commit = partial(self._write, organisation)
            self._groups[organisation] = GroupCommit(commit, window_s=COALESCE_S)
        if not await self._groups[organisation].submit(fix):
            raise NotFoundError("there is no such volunteer on this roster")

    async def _write(self, organisation: UUID, fixes: Sequence[PositionFix]) -> list[bool]:
        """Write positions in one transaction; return for each whether the volunteer is on the roster."""

        async def inside(connection: asyncpg.Connection, now: datetime) -> list[bool]:
            people = await people_of(connection, organisation, {fix.volunteer_id for fix in fixes})
            who = [people.get(fix.volunteer_id) for fix in fixes]
            known = [replace(fix, volunteer_id=one) for fix, one in zip(fixes, who, strict=True) if one]
            written = await write_positions(connection, known, now, organisation)
            return [one in written for one in who]

        return await self._uow.transact(inside)
