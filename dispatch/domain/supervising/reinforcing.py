"""More seats on a running incident: the act of a person, never of a timer, since it empties other places."""

from dispatch.domain.commands import Act
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident, Seat
from dispatch.domain.scheduling import ending
from schemas.incidents import OpenedSeat, SeatsAdded

MOST = 100
"""So many seats are added at once at most."""


def reinforce(decision: Decision, command: Act) -> None:
    """Add seats of a role that the incident has; people are asked for them at once, where people are asked."""
    if not 1 <= command.count <= MOST:
        msg = f"from 1 to {MOST} seats can be added at once"
        raise RefusedError(msg)
    incident = decision.incident
    alike = _of_role(incident, command.role)
    first = max(seat.number for seat in incident.seats) + 1
    decision.add(
        SeatsAdded(
            at=decision.now, incident_id=incident.id, by=command.by, reason=command.reason,
            seats=tuple(_opened(alike, number) for number in range(first, first + command.count)),
        )
    )  # fmt: skip
    decision.update_coverage()
    ending.extend(decision)


def _of_role(incident: Incident, role: str) -> Seat:
    """Return a seat of a role; raises RefusedError where there is none."""
    alike = next((seat for seat in incident.seats if seat.role == role), None)
    if alike is None:
        msg = f"this incident has no such role; its roles: {', '.join(incident.needed()) or 'none'}"
        raise RefusedError(msg)
    return alike


def _opened(alike: Seat, number: int) -> OpenedSeat:
    return OpenedSeat(
        number=number, role=alike.role, all=alike.all_skills, any=alike.any_skills, min_age=alike.min_age
    )
