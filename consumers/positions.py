"""Hears `volunteer.positions`: where trackers say that volunteers are."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from consumers.broker import Broker, subscribe
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.positions import CONSUMER, TOPIC, hear
from schemas.envelope import Received, Unreadable

MOST = 1000
"""Many more than elsewhere: most of a batch is coalesced into one write for each volunteer."""
MEMBERS = 2
"""Each has half of the partitions: one reads its batch while PostgreSQL writes the other's."""


def register(broker: Broker, uow: UnitOfWork) -> None:
    """Subscribe the trackers' positions."""

    async def positions(records: Sequence[Received | Unreadable]) -> None:
        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            await hear(connection, records, now)

        await uow.transact(inside)

    for _ in range(MEMBERS):
        subscribe(broker, TOPIC, CONSUMER, positions, max_records=MOST)
