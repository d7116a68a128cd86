"""The generation that a process writes: the lowest that any live process reads, so that no reader has to wait."""

import asyncio

import asyncpg
import structlog

from dispatch.services.core.error_classification import is_transient, log_fields
from dispatch.storage import write_generation
from dispatch.storage.queries import sql
from schemas.generations import GENERATION, OLDEST

CHECK_EVERY_S = 5.0
CALM_CHECKS = 3
"""How many checks in a row must find no older reader: one that restarts is away for a moment."""

log = structlog.get_logger()


async def lowest_read(pool: asyncpg.Pool) -> int:
    """Return the lowest generation that a process with a session reads; this version's own where there is none.

    A process states its generation in the name of its sessions; release 0.1.0, which stated none, reads the oldest.
    """
    found: int | None = await pool.fetchval(sql("lowest_generation"))
    return min(found or GENERATION, GENERATION)


async def adjust_once(pool: asyncpg.Pool) -> None:
    """Write for the oldest live reader, as a command does that writes once."""
    write_generation.limit(await lowest_read(pool))


class GenerationGuard:
    """Keeps what this process writes readable: lowered at once for an older reader, raised when all are gone."""

    def __init__(self, pool: asyncpg.Pool, fixed: int | None = None) -> None:
        """Take a fixed generation where the operator sets one; nothing is checked then."""
        self._pool = pool
        self._fixed = fixed
        self._calm = CALM_CHECKS
        write_generation.limit(fixed or OLDEST)

    async def run(self) -> None:
        """Check for ever; transient errors are logged, and the generation stays."""
        while self._fixed is None:
            try:
                await self.check()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the readers' generation could not be checked", **log_fields(error))
            await asyncio.sleep(CHECK_EVERY_S)

    async def check(self) -> None:
        """Adjust what this process writes to the readers that live now, unless it is fixed."""
        if self._fixed is not None:
            return
        before, lowest = write_generation.current, await lowest_read(self._pool)
        self._calm = self._calm + 1 if lowest > before else 0
        if lowest < before or self._calm >= CALM_CHECKS:
            write_generation.limit(lowest)
            self._calm = 0
        if write_generation.current != before:
            log.info("events are written for another generation", generation=write_generation.current)
