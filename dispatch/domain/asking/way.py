"""What distinguishes the ways of asking: how many at once, of which role, and when the next round may begin."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from dispatch.domain.incident import Incident


def never(_incident: Incident) -> bool:
    """Return false: an offer never begins a round."""
    return False


def at_once(_incident: Incident) -> datetime | None:
    """Return no time: nothing has to be waited for."""
    return None


class Way(Struct, frozen=True):
    """One way of asking.

    `room` is how many more offers may be extended, `wanted` how many each role lacks; `begins_round` is whether the
    next offer is the first of a round, and `next_round_at` when that may be extended, null for at once.
    """

    room: Callable[[Incident], int]
    wanted: Callable[[Incident], Mapping[str, int]]
    begins_round: Callable[[Incident], bool] = never
    next_round_at: Callable[[Incident], datetime | None] = at_once


def open_at_once(incident: Incident) -> int:
    """Return how many offers are open at once: as many as the plan says, and those that steps added."""
    return incident.plan.offers.open + incident.more_open


def round_wanted(incident: Incident, size: int) -> dict[str, int]:
    """Return a whole round for each role of which a seat is empty, else one person for each seat that is in doubt."""
    empty = {seat.role for seat in incident.seats if seat.empty}
    asked = Counter(offer.role for offer in incident.live_offers())
    open_ = Counter(seat.role for seat in incident.open_seats())
    return {role: size if role in empty else count - asked[role] for role, count in open_.items()}


def in_round(incident: Incident) -> int:
    """Return how many offers the present round has made; those that reached nobody do not count."""
    return incident.offers_made - incident.round_from
