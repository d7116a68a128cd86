"""Where an incident is: a mistaken position is mended or left out, and a supervisor is told of it."""

from dispatch.domain.decision import Decision
from dispatch.domain.places.service_area import Area, Mistake, exchanged, implausible
from schemas.base import Position

DOUBTS = {
    "zero": "the source sent the position 0,0, which is left out",
    "swapped": "latitude and longitude were exchanged: so they lie in the service area",
}


def mended(position: Position | None, area: Area | None) -> tuple[Position | None, Mistake | None]:
    """Return the position that a report means, as far as can be told, and the mistake in the one that it names."""
    mistake = None if position is None else implausible(position, area)
    if position is None or mistake == "zero":
        return None, mistake
    return exchanged(position.lat, position.lon) if mistake == "swapped" else position, mistake


def escalate_mistake(decision: Decision, mistake: Mistake | None) -> None:
    """Tell a supervisor of a mistake in a position; the incident goes on as well as it can."""
    if mistake == "outside":
        decision.escalate("outside_area", page=True, detail="the position lies outside the service area")
    elif mistake is not None:
        decision.escalate("doubtful_position", page=True, detail=DOUBTS[mistake])
