"""The gauges of `/metrics` that are read from the database: how much waits, and for how long."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dispatch.storage.pool import UNREACHABLE
from dispatch.storage.queries import sql

PATIENCE_S = 1.0

GAUGES = {
    "database_up": ("Whether the database answered", ""),
    "outbox_events": ("Events that are committed and not yet published", ""),
    "outbox_oldest_seconds": ("Age of the oldest event that is not yet published", ""),
    "reports_waiting": ("Reports that are accepted and not yet an incident", ""),
    "agenda_overdue": ("Entries of the agenda that are due and not yet taken", ""),
    "agenda_lateness_seconds": ("How long the oldest of them has been due", ""),
    "parking_open": ("Parked messages that are not resolved", ""),
    "escalations_open": ("Escalations that are raised or acknowledged", "level"),
    "incidents_running": ("Incidents that have not ended", "lane"),
    "messages_waiting": ("Messages that are queued or leased by a sender", "status"),
}
"""Each gauge with its description and its label, if it has one."""


class Figure(NamedTuple):
    """One value of a gauge."""

    gauge: str
    label: str
    value: float


class DatabaseGauges(Collector):
    """The gauges as they were read once."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each gauge that has a value; one that could not be read is absent rather than outdated."""
        for gauge, (about, label) in GAUGES.items():
            family = GaugeMetricFamily(f"renfort_{gauge}", about, labels=[label] if label else [])
            for figure in self._figures:
                if figure.gauge == gauge:
                    family.add_metric([figure.label] if label else [], figure.value)
            if family.samples:
                yield family


async def page(pool: asyncpg.Pool, now: datetime) -> bytes:
    """Return all metrics in the text format of Prometheus; without a database, those of this process alone."""
    return generate_latest() + generate_latest(DatabaseGauges(await _read(pool, now)))


async def _read(pool: asyncpg.Pool, now: datetime) -> list[Figure]:
    try:
        async with pool.acquire(timeout=PATIENCE_S) as connection:
            rows = await connection.fetch(sql("gauge_values"), now, timeout=PATIENCE_S)
    except UNREACHABLE:
        return [Figure("database_up", "", 0)]
    return [Figure("database_up", "", 1), *(Figure(*row) for row in rows)]
