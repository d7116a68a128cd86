"""How many offers an incident may extend, by the `ask` of its plan: one module for each way of asking."""

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
