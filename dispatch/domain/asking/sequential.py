"""Sequential: one person is asked at a time, so that no seat is promised twice; several seats are filled in turn."""

from collections.abc import Mapping

from dispatch.domain.asking.way import Way
from dispatch.domain.incident import Incident


def room(incident: Incident) -> int:
    """Return one where nobody is asked, else none."""
    return 0 if incident.live else 1


def wanted(incident: Incident) -> Mapping[str, int]:
    """Return the role of the first empty seat; one that is held in doubt is not offered to somebody else."""
    return {seat.role: 1 for seat in incident.seats if seat.empty}


WAY = Way(room, wanted)
