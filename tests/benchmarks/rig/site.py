"""The environment of a measure: servers as in production, processes of the product, and their CPU use."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.status import Status

from dispatch.storage.chain import BUCKETS
from tests.benchmarks.rig.processes import Cpu, Program, command_of, cpu_of
from tests.benchmarks.rig.servers import TEMPLATE, Databases, Kafka, fresh_name, open_databases

PLANS = Path(__file__).parents[1] / "plans"
"""The plan of all measures: seven seats, seven offers at once, and windows longer than any measure."""

LAST_LINES = 10
KNOWN_BUCKETS = "SELECT count(*) FROM clusters"


class Site:
    """The environment of one measure; `quick` selects sizes that finish within seconds."""

    def __init__(self, folder: Path, databases: Databases, kafka: Kafka, status: Status) -> None:
        self.folder = folder
        self.databases = databases
        self.quick = False
        self.profile: Path | None = None
        self._kafka = kafka
        self._status = status
        self._programs: list[Program] = []
        self._made: list[str] = []
        self._count = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, screen: Console) -> AsyncIterator["Site"]:
        """Start the servers; stop everything and delete all files at the end."""
        with tempfile.TemporaryDirectory(prefix="renfort-bench-") as name, screen.status("servers") as status:
            folder = Path(name)
            async with open_databases(folder) as databases:
                site = cls(folder, databases, Kafka(folder), status)
                try:
                    yield site
                finally:
                    await site.tidy()
                    await site._kafka.stop()

    @property
    def bootstrap(self) -> str:
        """Where Kafka is; call `broker` first."""
        return self._kafka.bootstrap

    @property
    def embedded(self) -> bool:
        """Return whether the broker is the embedded one, because Java or Maven is missing."""
        return self._kafka.embedded

    def say(self, what: str) -> None:
        """Print the present step."""
        self._status.update(what)

    async def database(self, template: str = TEMPLATE) -> str:
        """Create a migrated database, or a copy of one that `keep` stored; return its URL."""
        name = fresh_name()
        self._made.append(name)
        return await self.databases.make(name, template)

    async def broker(self) -> str:
        """Start an empty broker in place of any earlier one; return its address, which does not change."""
        await self._kafka.renew()
        return self._kafka.bootstrap

    async def introduce(self, dsn: str) -> None:
        """Let a relay create the topics and record the new cluster, so that this is not measured.

        One that has just met a broker looks back and publishes again what nobody has read yet.
        """
        relay = self.start(command_of(["relay"]), self._environment(dsn))
        connection = await asyncpg.connect(dsn)
        while relay.runs and await connection.fetchval(KNOWN_BUCKETS) < BUCKETS:
            await asyncio.sleep(0.1)
        await connection.close()
        await relay.stop()

    def work(self, *roles: str, dsn: str, **settings: str) -> Program:
        """Start `dispatch run` with some roles on a database, settings given as DISPATCH_… variables."""
        return self.start(command_of(roles, self._profile_of(roles)), self._environment(dsn) | settings)

    def start(self, command: list[str], environment: dict[str, str] | None = None) -> Program:
        """Start a program that is stopped at the end of the measure."""
        self._count += 1
        log = self.folder / f"program-{self._count}.log"
        program = Program(command, environment or dict(os.environ), log)
        self._programs.append(program)
        return program

    def cpu(self, *programs: Program) -> Cpu:
        """Return the CPU used so far by processes of the product and by the servers."""
        renfort = sum(program.cpu_s for program in programs)
        return Cpu(renfort, cpu_of(self.databases.pids), cpu_of(self._kafka.pids))

    def last_words(self) -> str:
        """Return the last lines of output of each process of the measure."""
        said = [
            program.log.read_text(errors="replace").splitlines()[-LAST_LINES:] for program in self._programs
        ]
        return "\n".join(line for lines in said for line in lines)

    async def tidy(self) -> None:
        """Stop all processes and drop all databases of a measure."""
        await asyncio.gather(*(program.stop() for program in self._programs if program.runs))
        self._programs.clear()
        for name in self._made:
            await self.databases.drop(name)
        self._made.clear()

    def _environment(self, dsn: str) -> dict[str, str]:
        return os.environ | {
            "DISPATCH_KAFKA": self.bootstrap,
            "DISPATCH_POSTGRES": dsn,
            "DISPATCH_DATA": str(self.folder / "data"),
            "DISPATCH_PLANS": str(PLANS),
            "DISPATCH_LOG": "warning",
        }

    def _profile_of(self, roles: tuple[str, ...]) -> Path | None:
        if self.profile is None:
            return None
        return self.profile.with_name(f"{self.profile.name}-{self._count}-{'-'.join(roles)}")
