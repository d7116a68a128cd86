"""An incident while it is being decided: each event added is folded in at once, so the next decision sees it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from dispatch.domain import escalation
from dispatch.domain.escalation import Cause
from dispatch.domain.evolve import evolve
from dispatch.domain.incident import Assignment, Incident, Offer
from schemas.base import Event
from schemas.incidents import IncidentCovered, IncidentUncovered
from schemas.offers import OfferWithdrawn, Released, ReleasedReason, WithdrawnReason


class Draft:
    """Events decided so far, and the incident that they lead to."""

    def __init__(self, incident: Incident, now: datetime) -> None:
        """Begin at the incident as it stands; time never runs backwards for it."""
        self.before = incident
        self.incident = incident
        self.now = max(now, incident.last_at)
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        """Decide one event."""
        self.incident = evolve(self.incident, event)
        self.events.append(event)

    def extend(self, events: Iterable[Event]) -> None:
        """Decide several events, each seen before the next is made."""
        for event in events:
            self.add(event)

    def escalate(self, reason: str, *, page: bool, level: int | None = None, detail: str = "") -> None:
        """Tell a supervisor about the incident, once per reason."""
        cause = Cause(reason, self.incident.top_level if level is None else level, page, detail)
        subject = ("incident", self.incident.id)
        self.extend(escalation.raised(self.incident.escalations, subject, cause, self.now))  # type: ignore[arg-type]

    def resolve(self, reasons: set[str] | None, why: str) -> None:
        """Settle open escalations whose cause is gone."""
        self.extend(escalation.resolved(self.incident.escalations, reasons, why, self.now))

    def withdraw(self, reason: WithdrawnReason, roles: set[str] | None = None) -> None:
        """Take back every live offer, or those of some roles."""
        for offer in list(self.incident.live_offers()):
            if roles is None or offer.role in roles:
                self._withdraw(offer, reason)

    def withdraw_from(self, volunteer_id: UUID, reason: WithdrawnReason) -> None:
        """Take back what one volunteer is still asked."""
        for offer in [o for o in self.incident.live_offers() if o.volunteer_id == volunteer_id]:
            self._withdraw(offer, reason)

    def _withdraw(self, offer: Offer, reason: WithdrawnReason) -> None:
        self.add(
            OfferWithdrawn(
                at=self.now, incident_id=self.incident.id, offer_id=offer.id,
                volunteer_id=offer.volunteer_id, reason=reason,
            )
        )  # fmt: skip

    def release(self, assignment: Assignment, reason: ReleasedReason) -> None:
        """Let one responder go."""
        self.add(
            Released(
                at=self.now, incident_id=self.incident.id, assignment_id=assignment.id,
                offer_id=assignment.offer_id, volunteer_id=assignment.volunteer_id, reason=reason,
            )
        )  # fmt: skip

    def release_all(self, reason: ReleasedReason) -> None:
        """Let every responder go."""
        for assignment in list(self.incident.active()):
            self.release(assignment, reason)

    def settle(self) -> None:
        """Note what follows from the seats: covered or not, and which offers nobody needs any more."""
        incident = self.incident
        if incident.ended:
            return
        if incident.seated() and incident.covered_at is None:
            self.add(IncidentCovered(at=self.now, incident_id=incident.id))
            self.resolve({"uncovered"}, "covered")
        elif not incident.seated() and incident.covered_at is not None:
            self.add(IncidentUncovered(at=self.now, incident_id=incident.id))
        if not any(assignment.status == "assigned" for assignment in self.incident.active()):
            self.resolve({"not_en_route"}, "nobody is waited for")
        empty = {seat.role for seat in self.incident.seats if seat.assignment_id is None}
        self.withdraw("covered", {seat.role for seat in self.incident.seats} - empty)
