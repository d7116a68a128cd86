"""Whom an incident asks: its offers, its muster point, and how many at once by the `ask` of its plan (`WAYS`)."""

from dispatch.domain.asking import broadcast, rolling, sequential, wave
from dispatch.domain.asking.way import Way
from dispatch.domain.incident import Incident

WAYS: dict[str, Way] = {
    "rolling": rolling.WAY,
    "wave": wave.WAY,
    "sequential": sequential.WAY,
    "broadcast": broadcast.WAY,
}


def way_of(incident: Incident) -> Way:
    """Return how the plan of an incident asks."""
    return WAYS[incident.plan.ask]
