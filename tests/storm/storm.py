"""One fault after another, under load: strike, let all come to rest, look."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import asyncpg

from tests.storm import checks
from tests.storm.checks import LINES, Seen
from tests.storm.faults import TAKEOVER_PATIENCE_S, Fault
from tests.storm.stage import Stage

EACH_S = 1.2
LEAD_S = 2.5
TAIL_S = 1.0
READY_PATIENCE_S = 400.0
SETTLE_PATIENCE_S = 90.0
CALM_LOOKS = 3
LOOKS_AGAIN = 5
ENDED = "SELECT count(*) FROM incidents WHERE ended_at IS NULL"

Say = Callable[[str], None]


@dataclass
class Row:
    """What one fault did: `found` holds, by line, what must not be; times are in seconds."""

    fault: str
    skipped: str = ""
    incidents: int = 0
    found: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in LINES})
    repeated: int = 0
    worst_wait: float | None = None
    takeover: float | None = None
    latest_entry: float = 0.0
    lasted: float = 0.0

    @property
    def held(self) -> bool:
        """Tell whether no line is violated."""
        return not any(self.found.values())

    def to_json(self) -> dict[str, Any]:
        """Give the row for a program to read."""
        return asdict(self) | {"held": self.held}


class Storm:
    """Run faults on a stage; what one of them left wrong is not found again under the next."""

    def __init__(self, stage: Stage, say: Say) -> None:
        self._stage = stage
        self._say = say
        self._known: set[tuple[str, str]] = set()

    async def run(self, faults: Sequence[Fault]) -> AsyncIterator[Row]:
        """Give one row after another."""
        stage = self._stage
        supervising = asyncio.create_task(stage.people.supervise())
        supervising.add_done_callback(stage.people.end)
        try:
            await self._warm_up()
            for number, fault in enumerate(faults, start=1):
                self._say(f"{number}/{len(faults)} {fault.name}")
                yield await self._row(fault)
        finally:
            supervising.cancel()

    async def _warm_up(self) -> None:
        """Wait until the first report has somebody seated: then everybody has started."""
        async with self._stage.people.calling(2):
            if await self._stage.moves(0, READY_PATIENCE_S) is None:
                raise TimeoutError("the first report found nobody: see the logs of the processes")
        await self._settle(SETTLE_PATIENCE_S)

    async def _row(self, fault: Fault) -> Row:
        stage = self._stage
        if why := fault.why_not(stage):
            return Row(fault.name, skipped=why)
        began, reports, texts = time.time(), len(stage.people.reports), len(stage.gateway.texts)
        async with stage.people.calling(EACH_S):
            await asyncio.sleep(LEAD_S)
            struck = time.time()
            await fault.strike(stage, struck)
            takeover = await stage.moves(struck, TAKEOVER_PATIENCE_S)
            await asyncio.sleep(TAIL_S)
        await self._settle(SETTLE_PATIENCE_S)
        repeats = stage.gateway.repeats(texts)
        row = Row(fault.name, incidents=len(stage.people.reports) - reports, takeover=takeover)
        row.found = await self._check(_seen(stage, fault, row, repeats))
        row.repeated = repeats.total()
        row.worst_wait = max(await stage.waits(reports), default=None)
        row.latest_entry = await stage.latest_entry(began)
        row.lasted = time.time() - began
        return row

    async def _check(self, seen: Seen) -> dict[str, list[str]]:
        """Check all lines, and keep of each what was not known before."""
        found = await checks.run(self._stage.uow, seen)
        for _ in range(LOOKS_AGAIN):
            # What began between the calm and the look is not stuck: a page to a supervisor, a try that timed out.
            if found["stuck"]:
                await asyncio.sleep(1)
                found["stuck"] = await checks.stuck(self._stage.uow, seen)
        fresh = {
            line: [one for one in ones if (line, one) not in self._known] for line, ones in found.items()
        }
        self._known |= {(line, one) for line, ones in fresh.items() for one in ones}
        return fresh

    async def _settle(self, patience_s: float) -> None:
        """Wait until nobody has anything to say, all of it is worked and each incident has ended."""
        end, calm = time.monotonic() + patience_s, 0
        while calm < CALM_LOOKS and time.monotonic() < end:
            calm = calm + 1 if await self._is_calm() else 0
            await asyncio.sleep(0.2)

    async def _is_calm(self) -> bool:
        stage = self._stage
        if stage.people.busy:
            return False
        try:
            running = await stage.pool.fetchval(ENDED)
            return not running and not any((await checks.left(stage.uow)).values())
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False


def _seen(stage: Stage, fault: Fault, row: Row, repeats: "Counter[str]") -> Seen:
    """Gather what those outside saw."""
    people = stage.people
    return Seen(
        accepted=[report.accepted for report in people.reports if report.accepted],
        answered=set(people.answered),
        repeats=repeats,
        crashes=fault.crashes,
        failures=[*people.failures, *stage.team.dead(), *_unmoved(row)],
    )


def _unmoved(row: Row) -> list[str]:
    """Say where a row proves nothing, since nothing happened in it."""
    return [f"work did not move again after: {row.fault}"] if row.takeover is None else []
