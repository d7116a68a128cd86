"""Processes whose CPU and memory are measured separately."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT, Popen, TimeoutExpired

import psutil

from tests.kafka.support.workers import Worker

# A measured process must not outlive a killed benchmark.
_LEASH = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
DISPATCH = str(Path(sys.executable).with_name("dispatch"))


class Program(Worker):
    """A process of the product or of the benchmark, whose output goes to a file."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.roles = command
        self.log = log
        with log.open("wb") as output:
            self._process = Popen([*_LEASH, *command], env=environment, stdout=output, stderr=STDOUT)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """Return the CPU seconds used so far."""
        return cpu_of([self.pid])

    @property
    def rss_mb(self) -> float:
        """Return the present memory in MB."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    async def stop(self) -> None:
        """Stop it gracefully, and kill it if that takes too long."""
        try:
            await super().stop()
        except TimeoutExpired:
            self.kill()


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds by component, without the load generator."""

    renfort: float
    postgres: float
    kafka: float

    def __sub__(self, before: "Cpu") -> "Cpu":
        """Return the CPU used since an earlier moment."""
        return Cpu(self.renfort - before.renfort, self.postgres - before.postgres, self.kafka - before.kafka)

    @property
    def total(self) -> float:
        """Return the CPU seconds of all components."""
        return self.renfort + self.postgres + self.kafka

    def told(self, wall_s: float, count: float, what: str) -> str:
        """Return the CPU of each component per item, and the share of a core, as text."""
        parts = {"Renfort": self.renfort, "PostgreSQL": self.postgres, "Kafka": self.kafka}
        costs = ", ".join(
            f"{name} {1000 * cpu / count:.2f} ms ({cpu / wall_s:.2f} of a core)"
            for name, cpu in parts.items()
        )
        return f"CPU for one {what}: {costs}"


def command_of(roles: Sequence[str], profile: Path | None = None) -> list[str]:
    """Return the command line of `dispatch run`, under cProfile if a profile file is given."""
    if profile is None:
        return [DISPATCH, "run", *roles]
    return [sys.executable, "-m", "tests.benchmarks.profiled", str(profile), "run", *roles]


def cpu_of(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes and of all their children, including those that exited."""
    return sum(_cpu(pid) for pid in pids)


def _cpu(pid: int) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
