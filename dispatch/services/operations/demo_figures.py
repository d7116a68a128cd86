"""What the demo reads from its database: counts for the live picture, figures of the summary, broken rules."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened, in numbers; `accepted_s` and `machine_s` are seconds from a report's receipt, sorted."""

    counts: dict[str, int]
    seats: dict[str, int]
    accepted_s: list[float]
    machine_s: list[float]
    escalations: list[asyncpg.Record]
    messages: list[asyncpg.Record]
    ends: list[asyncpg.Record]


@dataclass(frozen=True, slots=True)
class Violations:
    """What breaks the rules that the demo checks, each one written as a text."""

    lost_reports: list[str]
    neglected_incidents: list[str]
    doubly_filled_seats: list[str]
    doubly_asked_volunteers: list[str]


async def figures(pool: asyncpg.Pool) -> Figures:
    """Collect the figures of the summary."""
    return Figures(
        counts=await counts(pool),
        seats=dict(await pool.fetchrow(sql("seats_summary")) or {}),
        accepted_s=[row["seconds"] for row in await pool.fetch(sql("first_acceptances"))],
        machine_s=[row["seconds"] for row in await pool.fetch(sql("machine_delays"))],
        escalations=await pool.fetch(sql("escalations_by_level")),
        messages=await pool.fetch(sql("messages_by_purpose")),
        ends=await pool.fetch(sql("incidents_by_end")),
    )


async def counts(pool: asyncpg.Pool) -> dict[str, int]:
    """Return the counts of the live picture."""
    return dict(await pool.fetchrow(sql("display_counts")) or {})


async def unfinished(pool: asyncpg.Pool) -> dict[str, int]:
    """Count what is not yet worked to its end, by what it is; all are 0 when the demo is drained."""
    return dict(await pool.fetchrow(sql("unfinished_work")) or {})


async def violations(pool: asyncpg.Pool) -> Violations:
    """Find every report, incident, seat and volunteer that breaks a rule."""
    return Violations(
        await _texts(pool, sql("lost_reports")),
        await _texts(pool, sql("neglected_incidents")),
        await _texts(pool, sql("doubly_filled_seats")),
        await _texts(pool, sql("doubly_asked_volunteers")),
    )


async def report_ids(pool: asyncpg.Pool) -> set[str]:
    """Return the id of every stored report."""
    return {str(row["id"]) for row in await pool.fetch(sql("report_ids"))}


async def message_context(pool: asyncpg.Pool, message_id: UUID) -> dict[str, Any] | None:
    """Return what a message is about, for a simulated phone that has nothing but the message."""
    row = await pool.fetchrow(sql("message_context"), message_id)
    return None if row is None else dict(row)


async def _texts(pool: asyncpg.Pool, statement: str) -> list[str]:
    return [" ".join(str(value) for value in row.values()) for row in await pool.fetch(statement)]
