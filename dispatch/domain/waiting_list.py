"""The waiting list of a broadcast: whoever says yes when its seats are taken waits, in the order of their answers.

A place that falls free is for the first who waits.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from dispatch.domain.arrivals import free_seat
from dispatch.domain.commands import AnswerOffer
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Incident, Offer, Seat
from schemas.ids import derived
from schemas.offers import Assigned, Channel, OfferAccepted, OfferWaitlisted


def takes(incident: Incident) -> bool:
    """Return whether a yes without a seat is put on the list; nobody waits for a notice, or once enough are there."""
    sends = incident.plan.ask == "broadcast" and incident.engagement != "notice"
    return sends and not incident.ended and not incident.arrived()


def join(decision: Decision, offer: Offer, reply: AnswerOffer) -> None:
    """Put somebody on the list, at the place that the receipt of their answer gives them."""
    mine, others = (reply.received_at, offer.id), decision.incident.waiting_list(offer.role)
    before = [other for other in others if (_since(other), other.id) < mine]
    decision.add(
        OfferWaitlisted(
            at=decision.now, incident_id=decision.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id,
            received_at=reply.received_at, channel=reply.channel, place=len(before) + 1,
        )
    )  # fmt: skip


def due_at(incident: Incident) -> datetime | None:
    """Return when a seat that is free is given to the first who waits for it: at once."""
    return incident.last_at if incident.status == "open" and _first(incident) is not None else None


def fill(decision: Decision, engaged: frozenset[UUID]) -> None:
    """Seat those who wait while seats are free; whoever is `engaged` elsewhere leaves the list."""
    while (due_at(decision.incident)) is not None:
        offer, seat = cast("tuple[Offer, Seat]", _first(decision.incident))
        if offer.volunteer_id in engaged:
            decision.withdraw_offer(offer, "engaged")
        else:
            _seat(decision, offer, seat)


def _first(incident: Incident) -> tuple[Offer, Seat] | None:
    """Return the first who waits for a seat that is free, and the seat."""
    if not incident.waiting:
        return None
    found = ((offer, free_seat(incident, offer.role)) for offer in incident.waiting_list())
    return next(((offer, seat) for offer, seat in found if seat is not None), None)


def _seat(decision: Decision, offer: Offer, seat: Seat) -> None:
    names = {"incident_id": decision.incident.id, "offer_id": offer.id, "volunteer_id": offer.volunteer_id}
    channel = cast(Channel, offer.waiting_by)
    decision.add(OfferAccepted(at=decision.now, received_at=_since(offer), channel=channel, **names))
    decision.add(
        Assigned(
            at=decision.now, assignment_id=derived(offer.id, "assignment"), seat=seat.number, role=seat.role,
            reserve=seat.reserve, **names,
        )
    )  # fmt: skip
    decision.update_coverage()


def _since(offer: Offer) -> datetime:
    return offer.waiting_since or offer.extended_at
