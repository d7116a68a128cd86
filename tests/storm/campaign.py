"""Inject one fault after another under load, wait until the system is idle, and check."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import asyncpg

from dispatch.storage.pool import ConnectionLostError
from tests.storm import checks
from tests.storm.checks import CHECKS, Observed
from tests.storm.faults import TAKEOVER_PATIENCE_S, Fault
from tests.storm.rig.system import System

EACH_S = 1.2
LEAD_S = 2.5
TAIL_S = 1.0
READY_PATIENCE_S = 400.0
IDLE_PATIENCE_S = 90.0
IDLE_POLLS = 3
RECHECKS = 5
ENDED = "SELECT count(*) FROM incidents WHERE ended_at IS NULL"

Say = Callable[[str], None]


@dataclass
class Row:
    """The result of one fault: the violations by check; times are in seconds."""

    fault: str
    skipped: str = ""
    incidents: int = 0
    violations: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CHECKS})
    repeated: int = 0
    worst_wait: float | None = None
    takeover: float | None = None
    expiry_delay: float = 0.0
    lasted: float = 0.0

    @property
    def held(self) -> bool:
        """Return whether no check found a violation."""
        return not any(self.violations.values())

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON data."""
        return asdict(self) | {"held": self.held}


class Campaign:
    """Run faults on a system; a violation is reported once, for the fault that caused it."""

    def __init__(self, system: System, say: Say) -> None:
        self._system = system
        self._say = say
        self._known: set[tuple[str, str]] = set()

    async def run(self, faults: Sequence[Fault]) -> AsyncIterator[Row]:
        """Yield one row per fault."""
        system = self._system
        supervising = asyncio.create_task(system.participants.supervise())
        supervising.add_done_callback(system.participants.end)
        try:
            await self._warm_up()
            for number, fault in enumerate(faults, start=1):
                self._say(f"{number}/{len(faults)} {fault.name}")
                yield await self._row(fault)
        finally:
            supervising.cancel()

    async def _warm_up(self) -> None:
        """Wait until the first report has a volunteer seated: then all processes have started."""
        async with self._system.participants.reporting(2):
            if await self._system.time_to_progress(0, READY_PATIENCE_S) is None:
                raise TimeoutError("the first report got no volunteer: see the logs of the processes")
        await self._wait_until_idle(IDLE_PATIENCE_S)

    async def _row(self, fault: Fault) -> Row:
        system = self._system
        if why := fault.skip_reason(system):
            return Row(fault.name, skipped=why)
        began, reports, texts = time.time(), len(system.participants.reports), len(system.gateway.texts)
        async with system.participants.reporting(EACH_S):
            await asyncio.sleep(LEAD_S)
            struck = time.time()
            await fault.inject(system, struck)
            takeover = await system.time_to_progress(struck, TAKEOVER_PATIENCE_S)
            await asyncio.sleep(TAIL_S)
        await self._wait_until_idle(IDLE_PATIENCE_S)
        repeats = system.gateway.repeats(texts)
        row = Row(fault.name, incidents=len(system.participants.reports) - reports, takeover=takeover)
        row.violations = await self._check(_observed(system, fault, row, repeats))
        row.repeated = repeats.total()
        row.worst_wait = max(await system.waiting_times(reports), default=None)
        row.expiry_delay = await system.expiry_delay(began)
        row.lasted = time.time() - began
        return row

    async def _check(self, seen: Observed) -> dict[str, list[str]]:
        """Run all checks and return the violations that are new."""
        found = await checks.run(self._system.uow, seen)
        for _ in range(RECHECKS):
            # Work that began after the system was idle is not stuck: a page to a supervisor, an attempt that timed out.
            if found["stuck"]:
                await asyncio.sleep(1)
                found["stuck"] = await checks.stuck(self._system.uow, seen)
        fresh = {
            line: [one for one in ones if (line, one) not in self._known] for line, ones in found.items()
        }
        self._known |= {(line, one) for line, ones in fresh.items() for one in ones}
        return fresh

    async def _wait_until_idle(self, patience_s: float) -> None:
        """Wait until no request is pending, all work is done and each incident has ended."""
        end, idle = time.monotonic() + patience_s, 0
        while idle < IDLE_POLLS and time.monotonic() < end:
            idle = idle + 1 if await self._is_idle() else 0
            await asyncio.sleep(0.2)

    async def _is_idle(self) -> bool:
        system = self._system
        if system.participants.busy:
            return False
        try:
            running = await system.pool.fetchval(ENDED)
            return not running and not any((await checks.unfinished(system.uow)).values())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionLostError):
            return False


def _observed(system: System, fault: Fault, row: Row, repeats: "Counter[str]") -> Observed:
    """Collect what the participants observed."""
    people = system.participants
    return Observed(
        accepted=[report.accepted for report in people.reports if report.accepted],
        answered=set(people.answered),
        repeats=repeats,
        allowed_repeats=fault.allowed_repeats,
        failures=[*people.failures, *system.workers.dead(), *_no_progress(row)],
    )


def _no_progress(row: Row) -> list[str]:
    """Report a row that proves nothing, since no work was done after the fault."""
    return [f"no progress after: {row.fault}"] if row.takeover is None else []
