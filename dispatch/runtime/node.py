"""One process of Renfort: the loops of its roles around one engine, from start to clean stop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import asyncpg
import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from consumers.broker import Broker
from consumers.registration import register
from dispatch.clock import Clock
from dispatch.domain import retention
from dispatch.domain.escalation import Cause
from dispatch.runtime.kafka_connection import Cluster, Line
from dispatch.services.access import keys
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.incidents.escalations import escalate, system_subject
from dispatch.services.ingest.batches import Batches
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway import Gateway
from dispatch.services.messaging.sending import Sender, Trouble
from dispatch.services.operations.auditing import Auditor
from dispatch.services.operations.retention import Keeper
from dispatch.services.subscriptions import READERS
from dispatch.storage.database_clock import ping
from dispatch.storage.migrate import migrate
from dispatch.storage.pool import UNREACHABLE, describe, open_pool
from producers.http import app as http
from producers.http import stream

Role = Literal[
    "api",
    "reports",
    "incidents",
    "replies",
    "positions",
    "notifications",
    "agenda",
    "relay",
    "console",
    "auditor",
]
ROLES: tuple[Role, ...] = (
    "api", "reports", "incidents", "replies", "positions", "notifications", "agenda", "relay", "console", "auditor"
)  # fmt: skip
Loop = Callable[[], Coroutine[Any, Any, None]]
RETRY_S = 1.0
PING_S = 2.0
GATEWAY_LEVEL = 3
STOP_HTTP_S = 2
TITLE = "renfort:"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that a process is told: where its services are, what it does, and with which gateways."""

    dsn: str
    cluster: Cluster
    host: str
    port: int
    links: str
    secret: bytes
    intake: Intake
    gateways: Mapping[str, Gateway]
    roles: Sequence[Role] = ROLES
    migrates: bool = False
    kept: Mapping[str, int] = field(default_factory=retention.periods)


def title(roles: Sequence[Role]) -> str:
    """Name a process to the database by its roles, or by those that it lacks: of a name it keeps 63 bytes."""
    named, lacking = sorted(roles), sorted(set(ROLES) - set(roles))
    return min(
        " ".join([TITLE, *named]), " ".join([TITLE, "all", *(f"-{role}" for role in lacking)]), key=len
    )


def roles_in(name: str) -> set[Role]:
    """Read the roles of a process back from its name; others have none."""
    words = set(name.split())
    if TITLE not in words:
        return set()
    return {role for role in ROLES if role in words or ("all" in words and f"-{role}" not in words)}


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process stops everything in its own order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class Node:
    """Builds what its roles need, runs it until told to stop, and stops it in the order that loses nothing."""

    def __init__(self, wiring: Wiring, clock: Clock) -> None:
        """Take the wiring; nothing connects yet."""
        self.wiring = wiring
        self.clock = clock
        self._database = False
        self._sender: Sender | None = None
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Serve HTTP at once, whatever is absent; the loops begin when the database answers."""
        self.pool = await open_pool(self.wiring.dsn, application=title(self.wiring.roles), size=12)
        self.uow = UnitOfWork(self.pool, self.clock, self._wake)
        relays = "relay" in self.wiring.roles
        self.line = Line(self.wiring.cluster, self.wiring.dsn, self.clock, self._subscribe, relays=relays)
        if {"api", "console"} & set(self.wiring.roles):
            self._serve()
        self._spawn("database", self._begin)

    async def stop(self) -> None:
        """Stop taking in, then stop the loops, then Kafka, then the database."""
        for task in self._loops:
            if task.get_name() == "http":
                self._server.should_exit = True
                await asyncio.wait({task}, timeout=STOP_HTTP_S + 1)
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.line.stop()
        for gateway in self.wiring.gateways.values():
            await gateway.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_HTTP_S):
                await self.pool.close()
        self.pool.terminate()

    def ready(self) -> dict[str, bool]:
        """Tell what works: the database, Kafka, and the clock's hold on the database's time."""
        return {"postgres": self._database, "kafka": self.line.ready, "clock": self.clock.healthy}

    async def until_ready(self, seconds: float) -> bool:
        """Wait until everything works, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not all(self.ready().values()):
                    await asyncio.sleep(0.01)
        return all(self.ready().values())

    def _wake(self) -> None:
        """Something was committed: there may be events to publish and messages to send."""
        self.line.wake()
        if self._sender is not None:
            self._sender.wake()

    def _spawn(self, name: str, loop: Loop) -> None:
        self._loops.append(asyncio.create_task(_keep_running(name, loop), name=name))

    async def _begin(self) -> None:
        await self._reach_database()
        self._spawn("clock", self._follow)
        self.line.start()
        roles = self.wiring.roles
        if "agenda" in roles:
            self._spawn("agenda", AgendaRunner(self.uow).run)
        if "notifications" in roles:
            self._sender = self._make_sender()
            self._spawn("sender", self._sender.run)
        if "auditor" in roles:
            self._spawn("auditor", Auditor(self.uow, READERS).run)
            self._spawn("keeper", Keeper(self.uow, self.wiring.kept).run)
        self._spawn("heartbeat", self._watch_database)

    def _make_sender(self) -> Sender:
        wiring = self.wiring
        return Sender(
            self.uow,
            wiring.gateways,
            secret=wiring.secret,
            public_url=wiring.links,
            on_trouble=gateway_trouble,
        )

    async def _reach_database(self) -> None:
        while True:
            try:
                if self.wiring.migrates:
                    await migrate(self.wiring.dsn)
                async with self.pool.acquire(timeout=5):
                    self._database = True
                    return
            except UNREACHABLE as error:
                log.warning("PostgreSQL does not answer; trying again", error=describe(error))
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        await self.clock.follow(self.pool)

    async def _watch_database(self) -> None:
        """Keep `readyz` true to the database as it is now."""
        while True:
            try:
                await ping(self.pool, PING_S)
                self._database = True
            except UNREACHABLE:
                self._database = False
            await asyncio.sleep(RETRY_S)

    def _subscribe(self, broker: Broker) -> None:
        batches = Batches(self.pool, self.clock, self._wake)
        register(broker, self.wiring.roles, self.uow, batches, self.wiring.intake)

    def _serve(self) -> None:
        config = uvicorn.Config(
            self.app(), host=self.wiring.host, port=self.wiring.port, access_log=False, log_config=None,
            timeout_graceful_shutdown=STOP_HTTP_S, server_header=False,
        )  # fmt: skip
        self._server = Server(config)
        self._spawn("http", self._server.serve)

    def app(self) -> FastAPI:
        """Build the HTTP side of the process's roles."""
        extra: list[APIRouter] = []
        if "console" in self.wiring.roles:
            extra.append(stream.router(self.uow, keys.authenticate, lambda: self._server.should_exit))
        return http.build(self.uow, secret=self.wiring.secret, readiness=self.ready, extra=extra)


async def gateway_trouble(connection: asyncpg.Connection, trouble: Trouble, now: datetime) -> None:
    """Tell a supervisor that a gateway does not take messages."""
    cause = Cause("gateway", GATEWAY_LEVEL, page=True, detail=trouble.reason)
    organisation = trouble.organisation
    await escalate(connection, organisation, "system", system_subject(organisation), cause, now)


async def _keep_running(name: str, loop: Loop) -> None:
    """Start a loop that fails again, visibly: one bug must not end a role unseen."""
    while True:
        try:
            await loop()
        except Exception:
            log.exception("a loop failed and starts again", loop=name)
            await asyncio.sleep(RETRY_S)
        else:
            return
