"""Wave: `offers.open` people are asked at once, and the next ones only when nobody is left who may still answer."""

from collections.abc import Mapping

from dispatch.domain.asking.way import Way, in_round, open_at_once, round_wanted
from dispatch.domain.incident import Incident


def room(incident: Incident) -> int:
    """Return how many people the wave lacks: those whom a wider search finds, or who replace somebody unreached."""
    size = open_at_once(incident)
    return size if begins(incident) else size - in_round(incident)


def wanted(incident: Incident) -> Mapping[str, int]:
    """Return the size of a wave for each role of which a seat is empty; for one that is in doubt one more is asked."""
    return round_wanted(incident, open_at_once(incident))


def begins(incident: Incident) -> bool:
    """Return whether the next offer is the first of a wave."""
    return not incident.live


WAY = Way(room, wanted, begins)
