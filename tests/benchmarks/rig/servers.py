"""The servers under a benchmark: a PostgreSQL that syncs to disk, and real Kafka where this machine can run it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psutil

from deploy.kafka.start import missing_tools
from dispatch.embedded import EmbeddedBroker, EmbeddedPostgres
from dispatch.storage.migrate import migrate
from tests.kafka.support.cluster import KafkaCluster

TEMPLATE = "bench_template"
OURS = "SELECT pg_backend_pid()"


class Databases:
    """A server that creates one database per measure from a template."""

    def __init__(self, address: str, *, given: bool) -> None:
        """Store the URL of the server's database `postgres`; entering the context prepares the template."""
        self.given = given
        self.pids: list[int] = []
        self._address = address

    async def __aenter__(self) -> Self:
        connection = await asyncpg.connect(self._address)
        self.pids = _server_of(await connection.fetchval(OURS))
        await connection.close()
        await self.drop(TEMPLATE)
        await migrate(await self.make(TEMPLATE, "template1"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drop(TEMPLATE)

    async def make(self, name: str, template: str = TEMPLATE) -> str:
        """Create a database as a copy of another; return its URL."""
        await self.administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    async def drop(self, name: str) -> None:
        """Drop a database and end its sessions."""
        await self.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def version(self) -> str:
        """Return the version of the server."""
        connection = await asyncpg.connect(self._address)
        try:
            return f"{await connection.fetchval('SHOW server_version')}"
        finally:
            await connection.close()

    def url(self, name: str) -> str:
        """Return the URL of one of its databases."""
        return _other(self._address, name)

    async def administer(self, statement: str) -> None:
        """Run a statement that belongs to no database."""
        connection = await asyncpg.connect(self._address)
        try:
            await connection.execute(statement, timeout=600)
        finally:
            await connection.close()


class Kafka:
    """One node of real Kafka if Java and Maven are installed, otherwise the embedded broker; `renew` empties it."""

    def __init__(self, folder: Path) -> None:
        self.embedded = bool(missing_tools())
        self._folder = folder
        self._cluster = None if self.embedded else KafkaCluster(folder / "kafka")
        self._broker = EmbeddedBroker(folder / "broker") if self.embedded else None

    @property
    def bootstrap(self) -> str:
        """Where clients connect; it stays the same."""
        if self._cluster is not None:
            return self._cluster.bootstrap
        assert self._broker is not None
        return self._broker.address

    @property
    def pids(self) -> list[int]:
        """Return the process id of the broker."""
        names = {"java", "tansu"}
        return [child.pid for child in psutil.Process().children() if child.name() in names]

    async def renew(self) -> None:
        """Replace the broker by an empty one."""
        if self._cluster is not None and self._folder.joinpath("kafka").exists():
            await asyncio.to_thread(self._cluster.replace)
        elif self._cluster is not None:
            await asyncio.to_thread(self._cluster.start)
        if self._broker is not None:
            await self._broker.start()

    async def stop(self) -> None:
        """Stop the broker."""
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.stop)
        if self._broker is not None:
            await self._broker.stop()


@asynccontextmanager
async def open_databases(folder: Path) -> AsyncIterator[Databases]:
    """Use the server that DISPATCH_POSTGRES names, otherwise run the embedded one with fsync on."""
    if given := os.environ.get("DISPATCH_POSTGRES"):
        async with Databases(_other(given, "postgres"), given=True) as databases:
            yield databases
        return
    async with (
        EmbeddedPostgres(folder / "postgres", fsync=True) as server,
        Databases(server.url("postgres"), given=False) as databases,
    ):
        yield databases


def fresh_name() -> str:
    """Return an unused database name."""
    return f"bench_{uuid4().hex}"


def _other(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _server_of(backend: int) -> list[int]:
    """Return the server process of a session if it runs on this machine."""
    try:
        parent = psutil.Process(backend).parent()
    except psutil.NoSuchProcess:
        return []
    return [parent.pid] if parent is not None and "postgres" in parent.name() else []
