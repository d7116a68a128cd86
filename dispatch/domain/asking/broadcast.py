"""Broadcast: everybody eligible is asked, in rounds, until the seats are filled; whoever says yes after that waits."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dispatch.domain.asking.way import Way, in_round, round_wanted
from dispatch.domain.incident import Incident
from schemas.plans import BROADCAST_ROUND as ROUND

EVERY = timedelta(seconds=5)
"""The time from the first offer of a round to the next round: early answers spare the others a text."""


def room(incident: Incident) -> int:
    """Return how many people the round lacks; a complete one leaves room for the next."""
    return ROUND if begins(incident) else ROUND - in_round(incident)


def wanted(incident: Incident) -> Mapping[str, int]:
    """Return a whole round for each role of which a seat is empty that nobody waits for; for a doubt one is asked."""
    waited_for = {offer.role for offer in incident.waiting.values()}
    found = round_wanted(incident, ROUND)
    return {role: count for role, count in found.items() if role not in waited_for}


def begins(incident: Incident) -> bool:
    """Return whether the next offer is the first of a round."""
    return incident.round_at is None or in_round(incident) >= ROUND


def next_at(incident: Incident) -> datetime | None:
    """Return when the next round may begin; null while one is incomplete."""
    return incident.round_at + EVERY if incident.round_at is not None and begins(incident) else None


WAY = Way(room, wanted, begins, next_at)
