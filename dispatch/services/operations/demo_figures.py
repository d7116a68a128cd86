"""What the demo reads from its database: counts for the live picture, figures of the summary, broken rules."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.storage.queries import sql


@dataclass(frozen=True, slots=True)
class IncidentEnd:
    """How one incident ended: the seats it needed, the seats whose people arrived, and whether a human took it over.

    `filled_before` is whether every seat had been filled when it was taken over.
    """

    id: UUID
    needed: int
    arrived: int
    taken_over: bool
    filled_before: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened, in numbers; times are seconds from an incident's first text."""

    ends: list[IncidentEnd]
    offers: int
    reached: int
    yes: int
    accepted_s: list[float]
    arrived_s: list[float]
    pages: int
    messages: dict[str, int]


@dataclass(frozen=True, slots=True)
class Violations:
    """What breaks the rules that the demo checks, each one written as a text."""

    lost_reports: list[str]
    doubly_filled_seats: list[str]
    doubly_asked_volunteers: list[str]


async def figures(pool: asyncpg.Pool) -> Figures:
    """Collect the figures of the summary."""
    alerted = dict[str, int](await pool.fetchrow(sql("people_alerted")) or {})
    delays = await pool.fetch(sql("delays_from_first_text"))
    messages = {row["purpose"]: row["n"] for row in await pool.fetch(sql("messages_sent"))}
    return Figures(
        ends=[IncidentEnd(**row) for row in await pool.fetch(sql("incident_ends"))],
        **alerted,
        accepted_s=[row["accepted_s"] for row in delays],
        arrived_s=[row["arrived_s"] for row in delays if row["arrived_s"] is not None],
        pages=messages.pop("escalation", 0),
        messages=messages,
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


async def told_by(pool: asyncpg.Pool, message_id: UUID) -> list[asyncpg.Record]:
    """Return the incidents and escalations of which the text of a page told its reader, named or counted."""
    return await pool.fetch(sql("told_by_page"), message_id)
