"""Rolling: `offers.open` offers stay open, at most `per_seat` for each missing seat; each that ends is replaced."""

from collections.abc import Mapping

from dispatch.domain.asking.way import Way, open_at_once
from dispatch.domain.incident import Incident


def room(incident: Incident) -> int:
    """Return how many offers fewer than `open`, and what steps added, wait for an answer."""
    return open_at_once(incident) - len(incident.live)


def wanted(incident: Incident) -> Mapping[str, int]:
    """Return how many live offers each role lacks of which a seat is empty or held in doubt."""
    found: dict[str, int] = {}
    for seat in incident.open_seats():
        # For a seat held in doubt one more is asked.
        count = incident.plan.offers.per_seat + incident.more_open if seat.assignment_id is None else 1
        found[seat.role] = found.get(seat.role, 0) + count
    for offer in incident.live_offers():
        if offer.role in found:
            found[offer.role] -= 1
    return found


WAY = Way(room, wanted)
