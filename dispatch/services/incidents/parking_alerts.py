"""Alerts about parked messages: one escalation per source and topic, resolved once none of them is left.

Records that others wrote in Renfort's place, on whichever topics, are one escalation: they state any source and topic.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.supervising.escalation import Cause
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations
from dispatch.services.incidents.escalations import escalate, system_subject
from dispatch.services.ingest.provenance import FOREIGN, UNPROVEN
from dispatch.storage.parking import Parking
from dispatch.storage.queries import sql

ALERT_LEVEL = 3
FORGERY = "forged"
FORGED = (FOREIGN, UNPROVEN)
MOST_SOURCES, ANY_SOURCE = 5, "*"
"""How many sources of a topic have alerts of their own: a sender may state another with each record."""


async def raise_parking_alerts(
    connection: asyncpg.Connection, parked: Sequence[Parking], now: datetime
) -> None:
    """Raise one escalation per source and topic; if it is forged or its organisation unknown, in every organisation."""
    everybody = [row["id"] for row in await connection.fetch(sql("organisation_ids"))]
    known: dict[UUID, set[str]] = defaultdict(set)
    for row in await connection.fetch(sql("open_parking_alerts"), everybody):
        known[row["organisation"]].add(row["reason"])
    raised: set[tuple[UUID, str]] = set()
    for item in sorted(parked, key=lambda item: (str(item.organisation), item.topic, item.source)):
        theirs = item.organisation in everybody and item.reason not in FORGED
        for organisation in [item.organisation] if theirs else sorted(everybody):
            reason = _reason(item, known[organisation])
            if (organisation, reason) not in raised:
                raised.add((organisation, reason))
                known[organisation].add(reason)
                cause = Cause(reason, ALERT_LEVEL, page=True, detail=item.reason[:200])
                subject = system_subject(organisation)
                await escalate(connection, organisation, "system", subject, cause, now)


def _reason(item: Parking, known: Collection[str]) -> str:
    """Return the reason of an alert: it names the source, unless many sources of its topic have alerts already.

    `obsolete_parking_alerts` composes the same reasons.
    """
    if item.reason in FORGED:
        return FORGERY
    topic = f"parked:{item.topic}:"
    reason = f"{topic}{item.source}"[:200]
    many = sum(one.startswith(topic) for one in known) >= MOST_SOURCES
    return f"{topic}{ANY_SOURCE}" if many and reason not in known else reason


async def resolve_parking_alerts(uow: UnitOfWork, by: str) -> int:
    """Resolve the alerts of which no parked message is left; return how many were resolved."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> int:
        resolved = 0
        for organisation, reason in await connection.fetch(
            sql("obsolete_parking_alerts"), None, None, FORGED
        ):
            # A transaction that parks raises its alert before it commits: under this lock, what it parked is visible.
            await escalations.lock_system(connection, organisation)
            if await connection.fetch(sql("obsolete_parking_alerts"), organisation, reason, FORGED):
                why = f"resolved by {by}"
                await escalations.resolve_system(connection, organisation, reason, why, now)
                resolved += 1
        return resolved

    return await uow.transact(inside)
