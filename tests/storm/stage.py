"""The stage as a fault finds it, and what it tells about the work that goes on."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from dispatch.embedded import EmbeddedPostgres
from dispatch.services.core.unit_of_work import UnitOfWork
from tests.storm.brokers import ProxiedCluster
from tests.storm.disk import SmallDisk
from tests.storm.gateway import Gateway
from tests.storm.people import People
from tests.storm.proxy import Proxy
from tests.storm.team import Team

SEATED_SINCE = """
    SELECT extract(epoch FROM min(a.assigned_at))::float8
    FROM assignments a JOIN incidents i ON i.id = a.incident_id JOIN reports r ON r.id = i.report_id
    WHERE r.source_id = ANY ($1::text[])
"""
LATEST_ENTRY = """
    SELECT coalesce(extract(epoch FROM max(settled_at - expires_at)), 0)::float8 FROM offers
    WHERE status = 'expired' AND settled_at >= to_timestamp($1)
"""
FIRST_MESSAGES = """
    SELECT r.source_id, array_agg(m.id) FROM reports r JOIN incidents i ON i.report_id = r.id
    JOIN messages m ON m.incident_id = i.id AND m.recipient_kind = 'volunteer'
    WHERE r.source_id = ANY ($1::text[]) GROUP BY 1
"""


@dataclass
class Stage:
    """Everything that a fault may touch."""

    cluster: ProxiedCluster
    postgres: EmbeddedPostgres
    disk: SmallDisk | None
    gateway: Gateway
    to_postgres: Proxy
    to_gateway: Proxy
    team: Team
    people: People
    uow: UnitOfWork

    @property
    def pool(self) -> asyncpg.Pool:
        """Give connections past the proxy, for those who look on."""
        return self.uow.pool

    async def seated(self, since: float) -> float | None:
        """Tell when the first report that was first made since a moment had somebody seated."""
        names = [report.source_id for report in self.people.reports if report.first_at >= since]
        found: float | None = await self.pool.fetchval(SEATED_SINCE, names)
        return found

    async def moves(self, since: float, patience_s: float) -> float | None:
        """Wait until work moves again; return after how many seconds, or None where it did not in time."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            try:
                if (at := await self.seated(since)) is not None:
                    return at - since
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pass
            await asyncio.sleep(0.1)
        return None

    async def waits(self, first: int) -> list[float]:
        """Tell, for each report after the first so many, the seconds from its caller to its first message."""
        asked = {report.source_id: report.first_at for report in self.people.reports[first:]}
        arrived: dict[UUID, float] = {}
        for text in self.gateway.texts:
            arrived.setdefault(text.message_id, text.at)
        rows = await self.pool.fetch(FIRST_MESSAGES, list(asked))
        firsts = [(name, [arrived[id_] for id_ in ids if id_ in arrived]) for name, ids in rows]
        return [min(times) - asked[name] for name, times in firsts if times]

    async def latest_entry(self, since: float) -> float:
        """Tell by how many seconds the latest expiry came late."""
        return float(await self.pool.fetchval(LATEST_ENTRY, since))
