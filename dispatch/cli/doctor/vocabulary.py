"""`dispatch doctor` on the words that plans, rosters and reports share."""

from dispatch.cli.doctor.finding import Finding
from dispatch.config import Settings
from dispatch.domain.counting import counted
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.vocabulary_check import compare
from dispatch.services.plans.plan_files import PlansError, load

SHOWN = 3
"""Findings that are named; `dispatch plans check --roster` lists all."""


async def examine(uow: UnitOfWork, settings: Settings) -> Finding:
    """Find skills that no roster has, skills that no plan asks for, and kinds that no plan names."""
    try:
        book = load(settings.plans)
    except PlansError:
        return Finding("skills and kinds", "warn", "not compared: the plans cannot be read")
    found = await compare(uow, book)
    if not found:
        return Finding("skills and kinds", "ok", "plans, rosters and incidents use the same words")
    more = f"; {counted(len(found) - SHOWN, 'other')}" if len(found) > SHOWN else ""
    detail = "; ".join(map(str, found[:SHOWN]))
    return Finding("skills and kinds", "warn", f"{detail}{more}: dispatch plans check --roster")
