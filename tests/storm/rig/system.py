"""The running system, with queries on its progress."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from dispatch.embedded import EmbeddedPostgres
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.pool import ConnectionLostError
from tests.storm.rig.brokers import ProxiedCluster
from tests.storm.rig.disk import SmallFileSystem
from tests.storm.rig.gateway import Gateway
from tests.storm.rig.participants import Participants
from tests.storm.rig.proxy import Proxy
from tests.storm.rig.workers import Workers

SEATED_SINCE = """
    SELECT extract(epoch FROM min(a.assigned_at))::float8
    FROM assignments a JOIN incidents i ON i.id = a.incident_id JOIN reports r ON r.id = i.report_id
    WHERE r.source_id = ANY ($1::text[])
"""
EXPIRY_DELAY = """
    SELECT coalesce(extract(epoch FROM max(settled_at - expires_at)), 0)::float8 FROM offers
    WHERE status = 'expired' AND settled_at >= to_timestamp($1)
"""
FIRST_MESSAGES = """
    SELECT r.source_id, array_agg(m.id) FROM reports r JOIN incidents i ON i.report_id = r.id
    JOIN messages m ON m.incident_id = i.id AND m.recipient_kind = 'volunteer'
    WHERE r.source_id = ANY ($1::text[]) GROUP BY 1
"""


@dataclass
class System:
    """All components that a fault may affect."""

    cluster: ProxiedCluster
    postgres: EmbeddedPostgres
    disk: SmallFileSystem | None
    gateway: Gateway
    postgres_proxy: Proxy
    gateway_proxy: Proxy
    workers: Workers
    participants: Participants
    uow: UnitOfWork

    @property
    def pool(self) -> asyncpg.Pool:
        """Return connections that bypass the proxy, for the checks."""
        return self.uow.pool

    async def seated(self, since: float) -> float | None:
        """Return when a report first sent after a moment first had a volunteer seated, or None."""
        names = [report.source_id for report in self.participants.reports if report.first_at >= since]
        found: float | None = await self.pool.fetchval(SEATED_SINCE, names)
        return found

    async def time_to_progress(self, since: float, patience_s: float) -> float | None:
        """Wait until work makes progress; return after how many seconds, or None if it did not in time."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            try:
                if (at := await self.seated(since)) is not None:
                    return at - since
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionLostError):
                pass
            await asyncio.sleep(0.1)
        return None

    async def waiting_times(self, first: int) -> list[float]:
        """Return the seconds from the first attempt to the first message, for each report from index `first` on."""
        asked = {report.source_id: report.first_at for report in self.participants.reports[first:]}
        arrived: dict[UUID, float] = {}
        for text in self.gateway.texts:
            arrived.setdefault(text.message_id, text.at)
        rows = await self.pool.fetch(FIRST_MESSAGES, list(asked))
        firsts = [(name, [arrived[id_] for id_ in ids if id_ in arrived]) for name, ids in rows]
        return [min(times) - asked[name] for name, times in firsts if times]

    async def expiry_delay(self, since: float) -> float:
        """Return by how many seconds the latest expiry was late."""
        return float(await self.pool.fetchval(EXPIRY_DELAY, since))
