"""The processes of the product: one for each role, and a spare with all roles, as on a second machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from dispatch.runtime.roles import Role
from tests.kafka.support.workers import Worker

ROLES: tuple[str, ...] = get_args(Role)
SPARE = "spare"
HTTP = ("api", "console", SPARE)


class Workers:
    """Eleven processes by name; a killed one is started again, as an init system does."""

    def __init__(self, folder: Path, environment: Mapping[str, str], ports: Mapping[str, int]) -> None:
        self.by_name: dict[str, Worker] = {}
        self._folder = folder
        self._environment = dict(environment)
        self._ports = ports
        self._count = 0

    def start(self, name: str, **settings: str) -> None:
        """Start one process, with additional settings."""
        self._count += 1
        roles = () if name == SPARE else (name,)
        http = {"DISPATCH_HTTP": f"127.0.0.1:{self._ports[name]}"} if name in HTTP else {}
        log = self._folder / f"{self._count:03d}-{name}.log"
        self.by_name[name] = Worker(roles, self._environment | http | settings, log)

    def start_all(self) -> None:
        """Start all processes."""
        for name in (*ROLES, SPARE):
            self.start(name)

    async def restart(self, name: str, **settings: str) -> None:
        """Stop one process gracefully and start it again."""
        await self.by_name[name].stop()
        self.start(name, **settings)

    def kill(self) -> None:
        """Kill all processes."""
        for worker in self.by_name.values():
            worker.kill()

    def dead(self) -> list[str]:
        """Return the processes that exited by themselves."""
        return [f"process ended: {name}" for name, worker in self.by_name.items() if not worker.runs]
