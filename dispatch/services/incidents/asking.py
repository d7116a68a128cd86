"""The writing of decisions together with the offers that their incidents want."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.asking.offers import offers_due
from dispatch.domain.commands import Consider
from dispatch.domain.decide import apply
from dispatch.domain.decision import Decision
from dispatch.services.core.error_classification import is_transient, log_fields
from dispatch.services.matching import candidates
from dispatch.storage import incidents as store
from schemas.base import SEVERITY_RANK
from schemas.offers import AssignmentEvent, OfferEvent

Received = Mapping[UUID, datetime]
"""When the cause of each incident's events was received."""

SHARE = 25
"""How many incidents a batch of reports asks for, beyond which only the life-threatening are asked for at once.

A backlog is opened sooner so, and what is severe in it does not wait for the searches of what is not.
"""

log = structlog.get_logger()


async def write(
    connection: asyncpg.Connection,
    decisions: Sequence[Decision],
    now: datetime,
    received: Received,
    share: int | None = None,
) -> list[Decision]:
    """Extend the offers that the incidents want and write everything; return the last decision on each incident.

    With a `share`, only so many incidents are searched for, the most severe and oldest, but all the life-threatening.
    """
    if any(_engages_or_releases(decision) for decision in decisions):
        # Written before the search, so that it sees whom these very decisions engaged and released.
        await store.write(connection, decisions, now, received)
        decisions = [Decision(decision.incident, now) for decision in decisions]
    rounds = await _extend_offers(connection, decisions, now, share)
    await store.write(connection, decisions, now, received)
    await candidates.write(connection, rounds)
    return list(decisions)


async def write_or_defer(
    connection: asyncpg.Connection, decisions: Sequence[Decision], now: datetime, received: Received
) -> None:
    """Write decisions with the offers of a batch's share; where asking fails, write the decisions alone.

    What is not asked for is left to the consumer of `incident.events` and to the agenda, which report what fails again.
    A lost race counts as a failure. A lost connection or a full disk fails the second write as well.
    """
    try:
        async with connection.transaction():
            await write(connection, [decision.copy() for decision in decisions], now, received, SHARE)
    except Exception as error:
        log.warning(
            "asking failed, left to the agenda",
            incidents=len(decisions),
            **log_fields(error),
            exc_info=not is_transient(error),
        )
        await store.write(connection, decisions, now, received)


def _engages_or_releases(decision: Decision) -> bool:
    return any(isinstance(event, OfferEvent | AssignmentEvent) for event in decision.events)


async def _extend_offers(
    connection: asyncpg.Connection, decisions: Sequence[Decision], now: datetime, share: int | None
) -> list[candidates.Round]:
    """Choose volunteers across the batch and decide their offers; return the rounds of the search."""
    wanted = {decision.incident.id: offers_due(decision.incident, decision.now) for decision in decisions}
    asking = _first([decision for decision in decisions if wanted[decision.incident.id]], share)
    found = {decision.incident.id: decision for decision in asking}
    rounds = await candidates.choose(connection, [decision.incident for decision in asking], wanted, now)
    for one in rounds:
        choice = one.choice
        consider = Consider(
            one.id, tuple(choice.picks), choice.shut(), choice.contended, unsendable=one.unsendable
        )
        apply(found[one.incident.id], consider)
    return rounds


def _first(decisions: Sequence[Decision], share: int | None) -> Sequence[Decision]:
    """Return the decisions on the most severe and oldest incidents: a share of them, but all the life-threatening."""
    if share is None or len(decisions) <= share:
        return decisions
    ordered = sorted(decisions, key=lambda d: (SEVERITY_RANK[d.incident.severity], d.incident.opened_at))
    severe = sum(decision.incident.severity == "life_threatening" for decision in decisions)
    return ordered[: max(share, severe)]
