"""The waiting list of a broadcast: whoever says yes when its seats are taken waits, in the order of their answers.

A place that falls free is for the first who waits: they are seated and told, but below a day before a planned mission
they are asked whether they still come.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from dispatch.domain.answering.arrivals import free_seat
from dispatch.domain.asking.offers import extend
from dispatch.domain.commands import AnswerOffer, Pick
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Incident, Offer, Seat
from dispatch.domain.scheduling import timing
from schemas.ids import derived
from schemas.offers import Channel, OfferWaitlisted

UNASKED_UNTIL = timedelta(days=1)
"""How long before a planned mission somebody is still seated without being asked again."""


def takes(incident: Incident) -> bool:
    """Return whether a yes without a seat is put on the list; nobody waits for a notice, or once enough are there."""
    sends = incident.plan.ask == "broadcast" and incident.engagement != "notice"
    return sends and not incident.ended and not incident.arrived()


def stands_before(incident: Incident, offer: Offer) -> bool:
    """Return whether others are to be seated before somebody who was not asked from the list."""
    if incident.plan.ask != "broadcast" or (
        offer.status == "extended" and offer.round_id == _round(incident)
    ):
        return False
    waited_for = any(one.role == offer.role for one in incident.waiting.values())
    return waited_for or _asked(incident)[offer.role] > 0


def asked_instead(incident: Incident, offer: Offer, received_at: datetime) -> Offer:
    """Return the offer by which somebody was asked from the list, where they still answer the one before it."""
    if incident.plan.ask != "broadcast" or offer.status != "withdrawn":
        return offer
    mine = (one for one in incident.live_offers() if one.volunteer_id == offer.volunteer_id)
    asked = (one for one in mine if one.round_id == _round(incident) and one.extended_at <= received_at)
    return next(asked, offer)


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
    """Return when a seat that is free is given to the first who waits for it: as soon as they may be told or asked."""
    if incident.status != "open" or _first(incident, incident.last_at) is None:
        return None
    told_at = timing.asks_at if asks_first(incident, incident.last_at) else timing.awake_at
    return told_at(incident, incident.last_at)


def asks_first(incident: Incident, now: datetime) -> bool:
    """Return whether it is too late to seat somebody who may not look at their phone: they are asked again."""
    window = incident.window
    return incident.lane == "planned" and window is not None and window.starts_at - now < UNASKED_UNTIL


def fill(decision: Decision, engaged: frozenset[UUID]) -> None:
    """Seat or ask those who wait while seats are free; whoever is `engaged` elsewhere leaves the list."""
    while timing.is_due(due_at(decision.incident), decision.now):
        if (found := _first(decision.incident, decision.now)) is None:
            return
        offer, seat = found
        if offer.volunteer_id in engaged:
            decision.withdraw_offer(offer, "engaged")
        elif asks_first(decision.incident, decision.now):
            _ask(decision, offer)
        else:
            _seat(decision, offer, seat)


def _first(incident: Incident, now: datetime) -> tuple[Offer, Seat] | None:
    """Return the first who waits for a seat that is free and that nobody of the list is asked for, and the seat."""
    if not incident.waiting:
        return None
    asked = _asked(incident) if asks_first(incident, now) else Counter()
    roles = {offer.role for offer in incident.waiting.values()}
    found = {role: free_seat(incident, role) for role in roles if _empty(incident, role) > asked[role]}
    free = {role: seat for role, seat in found.items() if seat is not None}
    if not free:
        return None
    first = next(offer for offer in incident.waiting_list() if offer.role in free)
    return first, free[first.role]


def _asked(incident: Incident) -> Counter[str]:
    """Count those from the list who are being asked, by role."""
    asked_by = _round(incident)
    return Counter(offer.role for offer in incident.live_offers() if offer.round_id == asked_by)


def _empty(incident: Incident, role: str) -> int:
    return sum(seat.role == role and seat.empty for seat in incident.seats)


def _round(incident: Incident) -> UUID:
    """Return the id that the offers to those on the list have instead of that of a search."""
    return derived(incident.id, "waiting list")


def _ask(decision: Decision, offer: Offer) -> None:
    """Ask somebody who waits whether they still come; they leave the list, and a late yes puts them on it again."""
    decision.withdraw_offer(offer, "asked_again")
    pick = Pick(offer.volunteer_id, offer.role, offer.distance_m, offer.muster)
    extend(decision, pick, _round(decision.incident))


def _seat(decision: Decision, offer: Offer, seat: Seat) -> None:
    decision.assign(offer, seat, _since(offer), cast(Channel, offer.waiting_by))
    decision.update_coverage()


def _since(offer: Offer) -> datetime:
    return offer.waiting_since or offer.extended_at
