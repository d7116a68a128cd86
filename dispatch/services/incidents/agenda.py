"""One round of the agenda: take what is due, most severe first, and do it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.commands import Tick
from dispatch.domain.escalation import Cause
from dispatch.logs import where
from dispatch.services.core.failures import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import assembly, escalations
from dispatch.storage import incidents as store
from dispatch.storage.pool import describe
from dispatch.storage.queries import sql

SEVERE, LOW = 20, 5
"""How many a round takes by severity, and the share kept for the less severe.

A round's incidents are one transaction: about 50 ms of locks, several times that where CPU lacks. What comes meanwhile,
however severe, waits for its end: rounds twice as long had life-threatening reports wait half as long again at twice
the load, and worked no more incidents a second.
"""
REPLY_GRACE = timedelta(seconds=5)
"""How long expiry waits for answers that were received and are not worked yet."""
SET_ASIDE = timedelta(seconds=60)
"""How long a subject that raises errors by itself waits before it is tried again."""
BUSY_S, IDLE_S = 0.003, 0.05
"""Between rounds: after one that found something, and the longest while nothing falls due."""

log = structlog.get_logger()


class Agenda:
    """Takes due entries until told to stop; what fails alone is set aside, told, and tried again later."""

    def __init__(self, uow: UnitOfWork) -> None:
        """Begin with nothing set aside."""
        self._uow = uow
        self._aside: dict[UUID, datetime] = {}

    async def run(self) -> None:
        """Take rounds for ever; difficulties of the moment are logged and waited out."""
        wait = IDLE_S
        while True:
            try:
                done = await self.round()
                wait = await self.rest_after(done)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the agenda waits", error=describe(error))
                wait = 1.0
            await asyncio.sleep(wait)

    async def round(self) -> int:
        """Take what is due now; return how many subjects were worked, which those in others' hands are not."""
        now = self._uow.clock.now()
        self._aside = {name: until for name, until in self._aside.items() if until > now}
        due = await self._uow.pool.fetch(
            sql("due_subjects"), now, now - REPLY_GRACE, SEVERE, LOW, list(self._aside)
        )
        incidents = [
            (row["subject"], row["organisation"]) for row in due if row["subject_kind"] == "incident"
        ]
        others = [row["subject"] for row in due if row["subject_kind"] != "incident"]
        worked = await self._incidents(incidents) if incidents else 0
        for name in others:
            await self._subject(name)
        return worked + len(others)

    async def rest_after(self, done: int) -> float:
        """Tell how long to wait after a round that found so much: not at all where it may have left something.

        Nobody waits beyond what falls due next; another process may add something sooner, so it is never long.
        """
        if done:
            return BUSY_S if done < SEVERE else 0.0
        now = self._uow.clock.now()
        due = await self._uow.pool.fetchval(sql("next_due"), now)
        return IDLE_S if due is None else min(IDLE_S, (due - now).total_seconds())

    async def _incidents(self, due: Sequence[tuple[UUID, UUID]]) -> int:
        """Tick incidents in one transaction; when that fails for one's sake, each in its own."""
        try:
            return await self._tick([name for name, _ in due])
        except Exception as error:
            if is_transient(error):
                raise
            if len(due) == 1:
                await self._set_aside(*due[0], error)
                return 1
            return sum([await self._incidents([one]) for one in due])

    async def _tick(self, names: Sequence[UUID]) -> int:
        async def inside(connection: asyncpg.Connection, now: datetime) -> int:
            locked = await store.lock_free(connection, names)
            rows = await connection.fetch(sql("offers_being_answered"), list(locked), now - REPLY_GRACE)
            tick = Tick(frozenset(row["id"] for row in rows))
            await assembly.carry_out(connection, [(name, tick) for name in locked], locked, now)
            return len(locked)

        return await self._uow.transact(inside)

    async def _subject(self, subject: UUID) -> None:
        """Take what is due for a report or the system."""

        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            await escalations.take_due(connection, subject, now)

        try:
            await self._uow.transact(inside)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("escalations could not be worked", subject=str(subject))
            self._aside[subject] = self._uow.clock.now() + SET_ASIDE

    async def _set_aside(self, name: UUID, organisation: UUID, error: Exception) -> None:
        """Leave an incident alone for a while and tell: a bug must not stop the agenda, nor go unseen.

        It is not read for that: it may be the reading that fails.
        """
        log.error("an incident could not be worked", incident=str(name), error=where(error), exc_info=error)
        self._aside[name] = self._uow.clock.now() + SET_ASIDE

        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            cause = Cause(f"stuck:{name}", 3, page=True, detail=type(error).__name__)
            subject = escalations.system_of(organisation)
            await escalations.escalate(connection, organisation, "system", subject, cause, now)

        await self._uow.transact(inside)
