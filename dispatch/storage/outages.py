"""Outages: the organisations and channels for which nothing can be sent, until something is sent again.

A row is written where a send fails, and deleted by the next message that is sent on the channel. One for all channels
is written where an offer ends without an attempt to send it, and deleted by the next offer that a sender handles. While
all is well the table is empty.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql

EVERY = "every"
"""Stands for all channels: what was to be sent never came as far as a gateway."""
OUTAGE_AFTER = timedelta(seconds=10)
"""How long nothing is sent before offers are held back."""
PROBE_EVERY = timedelta(seconds=60)
"""How often an organisation makes one offer to find out whether an outage has ended, where nothing else shows it."""
SENDER_SEEN = timedelta(seconds=30)
"""How recently a process that sends must have been seen for a probe to have a chance."""


class Outage(NamedTuple):
    """Nothing has been sent for an organisation on a channel since a moment; `recipient_id` is whose message failed."""

    organisation: UUID
    channel: str
    since: datetime
    reason: str
    recipient_id: UUID | None = None


class Obstacle(NamedTuple):
    """Why an organisation may not ask: it paused new offers, or nothing can be sent on some channels."""

    paused: bool
    channels: frozenset[str]


class OutageRow(NamedTuple):
    """An outage with the name of its organisation, for people."""

    organisation: str
    channel: str
    since: datetime
    reason: str


async def record(connection: asyncpg.Connection, outages: Iterable[Outage]) -> None:
    """Record outages; one that is known keeps its beginning and its reason. One recipient alone makes none."""
    if rows := sorted(set(outages), key=lambda one: (one.organisation, one.channel, one.since)):
        await connection.execute(sql("record_outages"), *map(list, zip(*rows, strict=True)), PROBE_EVERY)


async def end(connection: asyncpg.Connection, shown: Iterable[tuple[UUID, str, datetime]]) -> None:
    """End the outages of organisations and channels that began before the moment of what shows their end."""
    if rows := sorted(set(shown)):
        await connection.execute(sql("end_outages"), *map(list, zip(*rows, strict=True)))


async def obstacles(
    connection: asyncpg.Connection, organisations: Iterable[UUID], now: datetime
) -> dict[UUID, Obstacle]:
    """Return what keeps organisations from asking; those without an obstacle are absent."""
    rows = await connection.fetch(sql("obstacles"), sorted(set(organisations)), now - OUTAGE_AFTER)
    return {row["id"]: Obstacle(row["paused"], frozenset(row["channels"])) for row in rows}


async def claim_probes(
    connection: asyncpg.Connection, organisations: Iterable[UUID], now: datetime
) -> set[UUID]:
    """Return those of the organisations that may make one offer now, to find out whether their outage has ended."""
    if not (asked := sorted(set(organisations))):
        return set()
    times = (now, now + PROBE_EVERY, now - SENDER_SEEN, now - OUTAGE_AFTER)
    return {row["organisation"] for row in await connection.fetch(sql("claim_probes"), asked, *times)}


async def reachable(
    connection: asyncpg.Connection, organisation: UUID, people: Sequence[UUID], without: Iterable[str]
) -> set[UUID]:
    """Return those of an organisation's volunteers who can be reached without some channels."""
    rows = await connection.fetch(sql("reachable_members"), organisation, people, sorted(without))
    return {row["volunteer_id"] for row in rows}


async def listed(pool: asyncpg.Pool, now: datetime) -> list[OutageRow]:
    """Return the outages that hold offers back, the longest first."""
    return [OutageRow(*row) for row in await pool.fetch(sql("list_outages"), now - OUTAGE_AFTER)]
