"""The processes of the product: one of each role, and one that has all roles, as on two machines."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from dispatch.runtime.node import Role
from tests.kafka.workers import Worker

ROLES: tuple[str, ...] = get_args(Role)
SPARE = "spare"
HTTP = ("api", "console", SPARE)


class Team:
    """Eleven processes by name; who was killed is started again, as an init system does."""

    def __init__(self, folder: Path, environment: Mapping[str, str], ports: Mapping[str, int]) -> None:
        self.workers: dict[str, Worker] = {}
        self._folder = folder
        self._environment = dict(environment)
        self._ports = ports
        self._count = 0

    def start(self, name: str, **settings: str) -> None:
        """Start one process."""
        self._count += 1
        roles = () if name == SPARE else (name,)
        http = {"DISPATCH_HTTP": f"127.0.0.1:{self._ports[name]}"} if name in HTTP else {}
        log = self._folder / f"{self._count:03d}-{name}.log"
        self.workers[name] = Worker(roles, self._environment | http | settings, log)

    def start_all(self) -> None:
        """Start everybody."""
        for name in (*ROLES, SPARE):
            self.start(name)

    async def restart(self, name: str, **settings: str) -> None:
        """Let one process end in its own order, and start it anew."""
        await self.workers[name].stop()
        self.start(name, **settings)

    def kill(self) -> None:
        """End everybody at once."""
        for worker in self.workers.values():
            worker.kill()

    def dead(self) -> list[str]:
        """Name the processes that ended by themselves."""
        return [f"process ended: {name}" for name, worker in self.workers.items() if not worker.runs]
