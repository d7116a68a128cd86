"""A decision on one incident: each event is folded in at once, so that the next command sees it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from dispatch.domain.evolve import evolve
from dispatch.domain.incident import Assignment, Incident, Offer, Seat
from dispatch.domain.supervising import escalation
from dispatch.domain.supervising.escalation import ALONE, UNSENDABLE, Cause
from schemas.base import Channel, Event
from schemas.ids import derived
from schemas.incidents import IncidentCovered, IncidentUncovered
from schemas.offers import Assigned, OfferAccepted, OfferWithdrawn, Released, ReleasedReason, WithdrawnReason

AT_ONCE = 100
"""The offers that one decision ends: what a transaction may write within about 50 ms of locks."""
_WITHDRAWN_AS: dict[str, WithdrawnReason] = {
    "taken_over": "taken_over", "aborted": "aborted", "closed": "closed", "cancelled": "cancelled",
}  # fmt: skip
"""The reason for which an incident of each status that asks no more withdraws its offers."""


class Decision:
    """The events decided so far, and the incident after them."""

    def __init__(self, incident: Incident, now: datetime) -> None:
        """Start at the present state; `now` is never before the incident's last event."""
        self.before = incident
        self.incident = incident
        self.now = max(now, incident.last_at)
        self.events: list[Event] = []

    def copy(self) -> "Decision":
        """Return a copy: what is added to one is not in the other."""
        copied = Decision(self.before, self.now)
        copied.incident, copied.events = self.incident, list(self.events)
        return copied

    def add(self, event: Event) -> None:
        """Add one event."""
        self.incident = evolve(self.incident, event)
        self.events.append(event)

    def extend(self, events: Iterable[Event]) -> None:
        """Add several events, each folded in before the next is produced."""
        for event in events:
            self.add(event)

    def escalate(self, reason: str, *, page: bool, level: int | None = None, detail: str = "") -> None:
        """Escalate the incident to a supervisor, once per reason."""
        cause = Cause(reason, self.incident.top_level if level is None else level, page, detail)
        subject = ("incident", self.incident.id)
        self.extend(escalation.raised(self.incident.escalations, subject, cause, self.now))  # type: ignore[arg-type]

    def resolve(self, reasons: set[str] | None, why: str) -> None:
        """Resolve the open escalations of these reasons, or all of them where none are named."""
        self.extend(escalation.resolved(self.incident.escalations, reasons, why, self.now))

    def withdraw(self, reason: WithdrawnReason, roles: set[str] | None = None) -> None:
        """Withdraw every live offer, or those of some roles: of very many, `withdraw_rest` withdraws the rest."""
        found = [offer for offer in self.incident.live_offers() if roles is None or offer.role in roles]
        for offer in found[:AT_ONCE]:
            self.withdraw_offer(offer, reason)

    def withdraw_rest(self) -> None:
        """Withdraw the next of the offers of an incident that asks no more, and then of those who wait for a seat."""
        reason = _WITHDRAWN_AS[self.incident.status]
        for offer in list(self.incident.live_offers())[:AT_ONCE]:
            self.withdraw_offer(offer, reason)
        if self.incident.ended:
            for offer in self.incident.waiting_list()[:AT_ONCE]:
                # No recall tells those who wait.
                self.withdraw_offer(offer, "cancelled" if reason == "aborted" else reason)

    def withdraw_from(self, volunteer_id: UUID, reason: WithdrawnReason) -> None:
        """Withdraw the live offers of one volunteer, and take them off the waiting list."""
        held = [*self.incident.live_offers(), *self.incident.waiting.values()]
        for offer in [o for o in held if o.volunteer_id == volunteer_id]:
            self.withdraw_offer(offer, reason)

    def withdraw_offer(self, offer: Offer, reason: WithdrawnReason) -> None:
        """Withdraw one offer that is live or waits."""
        self.add(
            OfferWithdrawn(
                at=self.now, incident_id=self.incident.id, offer_id=offer.id,
                volunteer_id=offer.volunteer_id, reason=reason,
            )
        )  # fmt: skip

    def assign(self, offer: Offer, seat: Seat, received_at: datetime, channel: Channel) -> None:
        """Accept an offer by an answer, and give its volunteer a seat."""
        names = {"incident_id": self.incident.id, "offer_id": offer.id, "volunteer_id": offer.volunteer_id}
        self.add(OfferAccepted(at=self.now, received_at=received_at, channel=channel, **names))
        self.add(
            Assigned(
                at=self.now, assignment_id=derived(offer.id, "assignment"), seat=seat.number, role=seat.role,
                reserve=seat.reserve, **names,
            )
        )  # fmt: skip

    def release(self, assignment: Assignment, reason: ReleasedReason) -> None:
        """Release one responder."""
        self.add(
            Released(
                at=self.now, incident_id=self.incident.id, assignment_id=assignment.id,
                offer_id=assignment.offer_id, volunteer_id=assignment.volunteer_id, reason=reason,
            )
        )  # fmt: skip

    def release_all(self, reason: ReleasedReason) -> None:
        """Release every responder."""
        for assignment in list(self.incident.active()):
            self.release(assignment, reason)

    def update_coverage(self) -> None:
        """Add what follows from the seats: covered or uncovered, and the withdrawal of offers no longer needed."""
        incident = self.incident
        if incident.ended:
            return
        seated = incident.seated()
        if seated and incident.covered_at is None:
            self.add(IncidentCovered(at=self.now, incident_id=incident.id))
            self.resolve({"uncovered", "referred", "late_arrival", UNSENDABLE}, "covered")
        elif not seated and incident.covered_at is not None:
            self.add(IncidentUncovered(at=self.now, incident_id=incident.id))
        if self.incident.escalations:
            self._resolve_about_people()
        if self.incident.plan.ask != "broadcast":
            # To a broadcast one may still say yes: it is the list of those who replace whoever cancels.
            empty = {seat.role for seat in self.incident.open_seats()}
            self.withdraw("covered", {seat.role for seat in self.incident.seats} - empty)

    def _resolve_about_people(self) -> None:
        """Resolve what was said of responders who are not awaited, late, out there or in doubt any more."""
        if not any(assignment.status == "assigned" for assignment in self.incident.active()):
            self.resolve({"not_en_route"}, "nobody is awaited")
        if all(one.status != "en_route" or one.reserved_at is None for one in self.incident.active()):
            self.resolve({"not_on_scene"}, "nobody is late")
        if not any(self.incident.active()):
            self.resolve({ALONE}, "nobody is out there")
        if not self.incident.doubted():
            self.resolve({"answer_doubtful", "window_moved"}, "no answer is in doubt")
