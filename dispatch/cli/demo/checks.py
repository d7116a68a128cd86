"""The checks that the demo runs on itself, and the figures of its summary."""

from dataclasses import dataclass
from statistics import median, quantiles

import asyncpg

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations import rebuilding
from dispatch.storage import journal
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql

NINETIETH = 9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and what was found instead."""

    rule: str
    broken: list[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened, in numbers."""

    counts: dict[str, int]
    seats: dict[str, int]
    accepted_s: list[float]
    machine_s: list[float]
    escalations: list[asyncpg.Record]
    messages: list[asyncpg.Record]
    ends: list[asyncpg.Record]


async def run(uow: UnitOfWork, accepted: set[str]) -> list[Check]:
    """Check that nothing was lost and nothing done twice; `accepted` are the reports that HTTP said yes to."""
    async with transaction(uow.pool) as connection:
        breaks = await journal.verify(connection)
        known = {str(row["id"]) for row in await connection.fetch(sql("all_reports"))}
    return [
        Check("every accepted report is kept", sorted(accepted - known)),
        Check("every report has exactly one incident", await _found(uow, "lost_reports")),
        Check("every incident was covered or handed over", await _found(uow, "neglected_incidents")),
        Check("no seat was filled twice", await _found(uow, "doubly_filled_seats")),
        Check("nobody had two live offers in a lane", await _found(uow, "doubly_asked_volunteers")),
        Check("the journal's chain is whole", [f"{b.stream} {b.seq}: {b.what}" for b in breaks]),
        Check("the tables equal the journal", await rebuilding.compare(uow)),
    ]


async def figures(uow: UnitOfWork) -> Figures:
    """Collect the numbers of the summary."""
    pool = uow.pool
    return Figures(
        counts=dict(await pool.fetchrow(sql("counts_now")) or {}),
        seats=dict(await pool.fetchrow(sql("seats_summary")) or {}),
        accepted_s=[row["seconds"] for row in await pool.fetch(sql("first_acceptances"))],
        machine_s=[row["seconds"] for row in await pool.fetch(sql("machine_delays"))],
        escalations=await pool.fetch(sql("escalations_by_level")),
        messages=await pool.fetch(sql("messages_by_purpose")),
        ends=await pool.fetch(sql("incidents_by_end")),
    )


def middle_and_ninetieth(seconds: list[float]) -> str:
    """Give the median and the 90th percentile of some seconds, in words."""
    if not seconds:
        return "none"
    if len(seconds) == 1:
        return f"{seconds[0]:.0f} s"
    return f"median {median(seconds):.0f} s, p90 {quantiles(seconds, n=10)[NINETIETH - 1]:.0f} s"


async def _found(uow: UnitOfWork, query: str) -> list[str]:
    return [" ".join(str(value) for value in row.values()) for row in await uow.pool.fetch(sql(query))]
