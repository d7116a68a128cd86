"""Wave: `offers.open` people are asked at once, and the next ones only when nobody is left who may still answer."""

from collections.abc import Mapping

from dispatch.domain.asking.way import Way, in_round, round_wanted
from dispatch.domain.incident import Incident


def room(incident: Incident) -> int:
    """Return how many people the wave lacks: those whom a wider search finds, or who replace somebody unreached."""
    size = incident.plan.offers.open + incident.more_open
    return size if begins(incident) else size - in_round(incident)


def wanted(incident: Incident) -> Mapping[str, int]:
    """Return the size of a wave for each role of which a seat is empty; for one that is in doubt one more is asked."""
    return round_wanted(incident, incident.plan.offers.open + incident.more_open)


def begins(incident: Incident) -> bool:
    """Return whether the next offer is the first of a wave."""
    return not incident.live


WAY = Way(room, wanted, begins)
