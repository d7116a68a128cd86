"""One process of Renfort: the loops of its roles on one unit of work, from start to clean stop."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import structlog
from fastapi import APIRouter, FastAPI

from consumers.broker import Broker
from consumers.registration import register
from dispatch.clock import Clock
from dispatch.domain.supervising.escalation import Cause
from dispatch.runtime.http_server import STOP_S, HttpServer
from dispatch.runtime.kafka_connection import KafkaConnection
from dispatch.runtime.roles import HTTP_ROLES, title
from dispatch.runtime.wiring import Wiring
from dispatch.services.core.error_classification import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.incidents.escalations import escalate, system_subject
from dispatch.services.ingest.batches import Batches
from dispatch.services.messaging.delivery import Trouble
from dispatch.services.messaging.sending import Sender
from dispatch.services.operations.auditing import Auditor
from dispatch.services.operations.generation_guard import GenerationGuard
from dispatch.services.operations.heartbeats import Heartbeat
from dispatch.services.operations.retention import RetentionJob
from dispatch.services.subscriptions import READERS, subscriptions_of
from dispatch.storage.database_clock import ping
from dispatch.storage.migrate import migrate, missing_names
from dispatch.storage.pool import UNREACHABLE, describe, open_pool
from producers.http import app as http
from producers.http import stream

Loop = Callable[[], Coroutine[Any, Any, None]]
RETRY_S = 1.0
PING_S = 2.0
SHARED_POLL_S, ALONE_POLL_S = 0.05, 2.0
"""The interval at which idle loops look for what others committed: while other processes run, and while none does."""
ALONE_RELAY_POLL_S = 0.25
"""The relay's interval while no other process runs: a command that aborts an incident commits without being one."""
GATEWAY_LEVEL = 3
REJECTIONS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""A wrong password, no such database, a missing right: their text says what the operator must correct."""

log = structlog.get_logger()


class Node:
    """Builds what its roles need, runs it, and stops it in the order that loses nothing."""

    def __init__(self, wiring: Wiring, clock: Clock) -> None:
        """Take the wiring; nothing connects yet."""
        self.wiring = wiring
        self.clock = clock
        self._database = False
        self._alone = False
        self._agenda: AgendaRunner | None = None
        self._sender: Sender | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._waking: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Serve HTTP at once, even without database and Kafka; start the loops when the database answers."""
        self.pool = await open_pool(self.wiring.dsn, application=title(self.wiring.roles), size=12)
        self.uow = UnitOfWork(self.pool, self.clock, self._wake)
        self._batches = Batches(self.pool, self.clock, self._wake)
        self._heartbeat = Heartbeat(self.uow, self.wiring.roles, self._batches.waiting)
        relays = "relay" in self.wiring.roles
        self.kafka = KafkaConnection(
            self.wiring.cluster,
            self.wiring.dsn,
            self.clock,
            self._subscribe,
            relays=relays,
            idle_s=self._idle_s,
            relay_idle_s=self._relay_idle_s,
        )
        if HTTP_ROLES & set(self.wiring.roles):
            self._serve()
        self._spawn("database", self._begin)

    async def stop(self) -> None:
        """Stop accepting requests, then stop the loops, then Kafka, then the database."""
        for task in self._loops:
            if task.get_name() == "http":
                self._server.should_exit = True
                await asyncio.wait({task}, timeout=STOP_S + 1)
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.kafka.stop()
        await self.wiring.gateways.close()
        await self._heartbeat.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.pool.close()
        self.pool.terminate()

    def ready(self) -> dict[str, bool]:
        """Return whether the database and Kafka are connected and the clock is synchronised with the database."""
        return {"postgres": self._database, "kafka": self.kafka.ready, "clock": self.clock.healthy}

    async def until_ready(self, seconds: float) -> bool:
        """Wait until everything is ready, for so many seconds at most; return whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not all(self.ready().values()):
                    await asyncio.sleep(0.01)
        return all(self.ready().values())

    def _wake(self) -> None:
        """Wake the relay, the agenda and the sender, soon: something was committed."""
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(self.wiring.wake_after_s, self._wake_loops)

    def _wake_loops(self) -> None:
        self._waking = None
        self.kafka.wake()
        if self._agenda is not None:
            self._agenda.wake()
        if self._sender is not None:
            self._sender.wake()

    def _spawn(self, name: str, loop: Loop) -> None:
        self._loops.append(asyncio.create_task(_keep_running(name, loop), name=name))

    async def _begin(self) -> None:
        guard = GenerationGuard(self.pool, self.wiring.write_generation)
        while not await self._is_prepared(guard):
            await asyncio.sleep(RETRY_S)
        self._spawn("clock", self._follow)
        self._spawn("generation", guard.run)
        self.kafka.start()
        roles = self.wiring.roles
        if "agenda" in roles:
            self._agenda = AgendaRunner(self.uow, self._idle_s)
            self._spawn("agenda", self._agenda.run)
        if "notifications" in roles:
            self._sender = self._make_sender()
            self._spawn("sender", self._sender.run)
        if "auditor" in roles:
            self._spawn("auditor", Auditor(self.uow, READERS).run)
            self._spawn("retention", RetentionJob(self.uow, self.wiring.retention_days).run)
        self._spawn("database watch", self._watch_database)
        self._spawn("heartbeat", self._heartbeat.run)

    def _make_sender(self) -> Sender:
        wiring = self.wiring
        return Sender(
            self.uow,
            wiring.gateways.by_channel,
            secret=wiring.secret,
            public_url=wiring.links,
            on_trouble=gateway_trouble,
            idle_s=self._idle_s,
        )

    async def _is_prepared(self, guard: GenerationGuard) -> bool:
        """Prepare what every loop relies on: the schema, the time, what the readers understand, and who runs.

        The first round of the agenda may end what fell due while nothing ran: it must neither take this host's time for
        the database's, nor write for older readers that are gone, nor find an outage in a standstill.
        """
        try:
            if self.wiring.migrates:
                await migrate(self.wiring.dsn)
            elif missing := await missing_names(self.pool):
                log.warning(
                    "tables of this version are missing: run `dispatch migrate`", missing=len(missing)
                )
                return False
            await self.clock.sample(self.pool)
            await guard.check()
            await self._heartbeat.beat()
        except Exception as error:
            if not (is_transient(error) or isinstance(error, REJECTIONS)):
                raise
            log.warning("PostgreSQL does not answer; trying again", error=describe(error))
            return False
        self._database = True
        return True

    async def _follow(self) -> None:
        await self.clock.follow(self.pool)

    async def _watch_database(self) -> None:
        """Ping the database regularly, so that `readyz` reports its present state, and see who else uses it."""
        while True:
            try:
                await ping(self.pool, PING_S)
                self._database = True
                self._alone = await self._heartbeat.is_alone()
            except UNREACHABLE:
                self._database = self._alone = False
            await asyncio.sleep(RETRY_S)

    def _idle_s(self) -> float:
        """Return how long a loop may wait for the commits of other processes."""
        return ALONE_POLL_S if self._alone else SHARED_POLL_S

    def _relay_idle_s(self) -> float:
        """Return how long the relay may wait for them; what it publishes wakes the other loops."""
        return ALONE_RELAY_POLL_S if self._alone else SHARED_POLL_S

    def _subscribe(self, broker: Broker) -> None:
        wiring, guarded = self.wiring, self.wiring.guarded_positions
        if "positions" in wiring.roles and not guarded and not wiring.cluster.embedded:
            log.info(
                "volunteer.positions is not read: DISPATCH_GUARDED_POSITIONS does not declare it guarded"
            )
        subscriptions = subscriptions_of(wiring.roles, guarded_positions=guarded)
        register(broker, subscriptions, self.uow, self._batches, wiring.intake)

    def _serve(self) -> None:
        self._server = HttpServer(self.app(), self.wiring.host, self.wiring.port, self.wiring.proxies)
        bound = [self.wiring.listener] if self.wiring.listener else None
        self._spawn("http", partial(self._server.serve, bound))

    def app(self) -> FastAPI:
        """Build the HTTP application for the roles of the process."""
        extra: list[APIRouter] = []
        if "console" in self.wiring.roles:
            extra.append(stream.router(self.uow, lambda: self._server.should_exit, self.wiring.streams))
        return http.build(
            self.uow,
            gateways=self.wiring.gateways,
            secret=self.wiring.secret,
            readiness=self.ready,
            extra=extra,
        )


async def gateway_trouble(connection: asyncpg.Connection, trouble: Trouble, now: datetime) -> None:
    """Escalate to a supervisor that a gateway does not accept messages."""
    cause = Cause("gateway", GATEWAY_LEVEL, page=True, detail=trouble.reason)
    organisation = trouble.organisation
    await escalate(connection, organisation, "system", system_subject(organisation), cause, now)


async def _keep_running(name: str, loop: Loop) -> None:
    """Restart a loop that fails, and log it: one bug must not end a role unseen."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("a loop failed and is restarted", loop=name)
            await asyncio.sleep(RETRY_S)
        else:
            return
