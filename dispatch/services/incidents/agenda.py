"""The agenda's loop: each round takes what is due, most severe first, and executes it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.commands import Tick
from dispatch.domain.supervising.escalation import Cause
from dispatch.logs import where
from dispatch.services.core.error_classification import Failure, classify, is_transient, log_fields
from dispatch.services.core.event_loop import wait_for
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations, execution, live_offers
from dispatch.storage import incidents as store
from dispatch.storage.pool import describe
from dispatch.storage.queries import sql

SEVERE_PER_ROUND, LOW_PER_ROUND = 20, 5
"""How many subjects a round takes by severity, and how many more of the less severe.

A round's incidents are one transaction: about 50 ms of locks, several times that on a busy CPU. What arrives meanwhile,
however severe, waits for its end: rounds twice as long made life-threatening reports wait half as long again at twice
the load, and processed no more incidents a second.
"""
DEFERRED_FOR = timedelta(seconds=60)
"""How long a subject that fails by itself waits before the next attempt."""
BUSY_S, IDLE_S = 0.003, 0.05
"""The pause after a round that found something, and after one that found nothing while others commit."""
BACKOFF_S = 1.0
"""The pause after a transient error."""

log = structlog.get_logger()


class AgendaRunner:
    """Takes due entries until cancelled; a subject that fails by itself is deferred, reported, and tried again."""

    def __init__(self, uow: UnitOfWork, idle_s: Callable[[], float] = lambda: IDLE_S) -> None:
        """Take the longest pause while nothing falls due and this process commits nothing."""
        self._uow = uow
        self._idle_s = idle_s
        self._wakened = asyncio.Event()
        self._deferred: dict[UUID, datetime] = {}

    def wake(self) -> None:
        """End a long pause soon: this process committed something, perhaps an entry."""
        self._wakened.set()

    async def run(self) -> None:
        """Run rounds until cancelled; transient errors are logged and retried."""
        while True:
            self._wakened.clear()
            try:
                pause = await self.pause_after(await self.run_round())
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("agenda round failed, retrying", error=describe(error))
                pause = BACKOFF_S
            await self._rest(pause)

    async def run_round(self) -> int:
        """Execute what is due now; return the number of subjects done, without those that others have locked."""
        now = self._uow.clock.now()
        self._deferred = {name: until for name, until in self._deferred.items() if until > now}
        due = await self._uow.pool.fetch(
            sql("due_subjects"),
            now,
            now - live_offers.REPLY_GRACE,
            SEVERE_PER_ROUND,
            LOW_PER_ROUND,
            list(self._deferred),
        )
        incidents = [
            (row["subject"], row["organisation"]) for row in due if row["subject_kind"] == "incident"
        ]
        others = [row["subject"] for row in due if row["subject_kind"] != "incident"]
        done = await self._run_incidents(incidents) if incidents else 0
        for name in others:
            await self._run_escalations(name)
        return done + len(others)

    async def pause_after(self, done: int) -> float:
        """Return the seconds to wait after a round of so many subjects: none where it may have left some.

        The pause ends when the next entry falls due, and is short while other processes may add entries.
        """
        if done:
            return BUSY_S if done < SEVERE_PER_ROUND else 0.0
        now = self._uow.clock.now()
        due = await self._uow.pool.fetchval(sql("next_due"), now)
        return self._idle_s() if due is None else min(self._idle_s(), (due - now).total_seconds())

    async def _rest(self, pause: float) -> None:
        """Pause; a commit of this process ends a long pause within `IDLE_S`, for it may have added an entry."""
        if pause > IDLE_S:
            await wait_for(self._wakened, pause - IDLE_S)
        await asyncio.sleep(min(pause, IDLE_S))

    async def _run_incidents(self, due: Sequence[tuple[UUID, UUID]]) -> int:
        """Tick incidents in one transaction; after an error, each in its own."""
        try:
            return await self._tick([name for name, _ in due])
        except Exception as error:
            if is_transient(error):
                raise
            if len(due) == 1:
                await self._defer(*due[0], error)
                return 1
            return sum([await self._run_incidents([one]) for one in due])

    async def _tick(self, names: Sequence[UUID]) -> int:
        async def inside(connection: asyncpg.Connection, now: datetime) -> int:
            locked = await store.lock_free(connection, names)
            await execution.execute(connection, [(name, Tick()) for name in locked], locked, now)
            return len(locked)

        return await self._uow.transact(inside)

    async def _run_escalations(self, subject: UUID) -> None:
        """Execute what is due for a report or the system."""

        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            await escalations.run_due(connection, subject, now)

        try:
            await self._uow.transact(inside)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("escalation failed, deferred", subject=str(subject))
            self._deferred[subject] = self._uow.clock.now() + DEFERRED_FOR

    async def _defer(self, name: UUID, organisation: UUID, error: Exception) -> None:
        """Defer an incident and escalate to a supervisor: a bug must neither stop the agenda nor stay unseen.

        Does not read the incident, since reading it may be what fails.
        """
        self._deferred[name] = self._uow.clock.now() + DEFERRED_FOR
        if classify(error) is Failure.NEWER_VERSION:
            log.warning(
                "incident left to a newer version of Renfort", incident=str(name), **log_fields(error)
            )
            return
        log.error("incident failed, deferred", incident=str(name), error=where(error), exc_info=error)

        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            cause = Cause(f"stuck:{name}", 3, page=True, detail=type(error).__name__)
            subject = escalations.system_subject(organisation)
            await escalations.escalate(connection, organisation, "system", subject, cause, now)

        await self._uow.transact(inside)
