"""Volunteers' answers: each names its offer, and counts by the time of its receipt."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from dispatch.domain import transitions
from dispatch.domain.commands import AnswerOffer
from dispatch.domain.draft import Draft
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Assignment, Incident, Offer, Seat
from schemas.base import Event
from schemas.ids import derived
from schemas.incidents import IncidentClosed, IncidentHeld, RecallAcknowledged
from schemas.offers import (
    Assigned,
    AssignmentEvent,
    EnRoute,
    OfferAccepted,
    OfferAnsweredLate,
    OfferDeclined,
    OfferEvent,
    OfferExpired,
    OnScene,
)

RENFORT = "renfort"
"""The name of the actor in events that no human caused."""


def answer(draft: Draft, reply: AnswerOffer) -> None:
    """Apply one answer; raises RefusedError where the offer is not this volunteer's."""
    offer = draft.incident.offers.get(reply.offer_id)
    if offer is None or offer.volunteer_id != reply.volunteer_id:
        msg = "the answer names an offer that this volunteer never had"
        raise RefusedError(msg)
    _acknowledge(draft, reply)
    _ANSWERS[reply.answer](draft, offer, reply)


def _acknowledge(draft: Draft, reply: AnswerOffer) -> None:
    """Acknowledge the volunteer's recall: any answer received after it shows that it was seen."""
    recall = draft.incident.recalls.get(reply.volunteer_id)
    if recall is not None and recall.acknowledged_at is None and reply.received_at > recall.at:
        draft.add(
            RecallAcknowledged(at=draft.now, incident_id=draft.incident.id, volunteer_id=reply.volunteer_id)
        )
        if not draft.incident.unseen():
            draft.resolve({"recall_unacknowledged"}, "all have acknowledged")


def _accept(draft: Draft, offer: Offer, reply: AnswerOffer) -> None:
    if any(a.volunteer_id == offer.volunteer_id for a in draft.incident.active()):
        return
    if offer.status == "accepted":
        # A yes received before the release repeats the one that was seated.
        if reply.received_at > _released_at(draft.incident, offer):
            _record_late(draft, offer, reply, "thanked")
        return
    in_time = offer.status in ("extended", "expired") and reply.received_at <= offer.expires_at
    seat = None if reply.engaged else free_seat(draft.incident, offer.role)
    if offer.status == "extended" and (not in_time or seat is None):
        draft.add(_event(OfferExpired, draft, offer))
    if seat is None:
        _record_late(draft, offer, reply, "thanked")
        return
    if not in_time:
        _record_late(draft, offer, reply, "reserve" if seat.reserve else "seated")
    _assign(draft, offer, reply, seat)


def _released_at(incident: Incident, offer: Offer) -> datetime:
    return next(
        a.released_at or a.assigned_at for a in incident.assignments.values() if a.offer_id == offer.id
    )


def free_seat(incident: Incident, role: str) -> Seat | None:
    """Return an empty seat of the role, needed seats before reserve; None once enough responders have arrived."""
    if incident.ended or incident.arrived():
        return None
    empty = [seat for seat in incident.seats if seat.role == role and seat.assignment_id is None]
    return min(empty, key=lambda seat: seat.number, default=None)


def _record_late(
    draft: Draft, offer: Offer, reply: AnswerOffer, outcome: Literal["seated", "reserve", "thanked"]
) -> None:
    if outcome == "thanked" and draft.incident.offers[offer.id].late == "thanked":
        return
    draft.add(
        OfferAnsweredLate(
            at=draft.now, incident_id=draft.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id,
            received_at=reply.received_at, channel=reply.channel, outcome=outcome,
        )
    )  # fmt: skip


def _assign(draft: Draft, offer: Offer, reply: AnswerOffer, seat: Seat) -> None:
    draft.add(
        OfferAccepted(
            at=draft.now, incident_id=draft.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id,
            received_at=reply.received_at, channel=reply.channel,
        )
    )  # fmt: skip
    draft.add(
        Assigned(
            at=draft.now, incident_id=draft.incident.id, assignment_id=derived(offer.id, "assignment"),
            offer_id=offer.id, volunteer_id=offer.volunteer_id, seat=seat.number, role=seat.role,
            reserve=seat.reserve,
        )
    )  # fmt: skip
    draft.withdraw_from(offer.volunteer_id, "engaged")
    draft.update_coverage()
    if draft.incident.engagement == "notice" and draft.incident.covered_at is not None:
        # A notice sends nobody: once enough volunteers have read it, it ends.
        draft.release_all("done")
        close_if_done(draft)


def _decline(draft: Draft, offer: Offer, reply: AnswerOffer) -> None:
    if transitions.may(transitions.OFFER, offer.status, OfferDeclined):
        draft.add(
            OfferDeclined(
                at=draft.now, incident_id=draft.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id,
                received_at=reply.received_at, channel=reply.channel,
            )
        )  # fmt: skip
    elif (assignment := assignment_of(draft.incident, offer)) is not None:
        draft.release(assignment, "withdrew")
        draft.update_coverage()
        close_if_done(draft)


def assignment_of(incident: Incident, offer: Offer) -> Assignment | None:
    """Return the active assignment that resulted from an offer."""
    return next((a for a in incident.active() if a.offer_id == offer.id), None)


def _advance(draft: Draft, offer: Offer, event: type[AssignmentEvent]) -> bool:
    assignment = assignment_of(draft.incident, offer)
    if assignment is None:
        return False
    if draft.incident.engagement == "notice":
        msg = "a notice sends nobody: volunteers cannot be en route or on scene"
        raise RefusedError(msg)
    if not transitions.may(transitions.ASSIGNMENT, assignment.status, event):
        return False
    draft.add(_event(event, draft, offer, assignment_id=assignment.id))
    return True


def _en_route(draft: Draft, offer: Offer, _reply: AnswerOffer) -> None:
    if _advance(draft, offer, EnRoute):
        draft.update_coverage()


def _on_scene(draft: Draft, offer: Offer, _reply: AnswerOffer) -> None:
    if not _advance(draft, offer, OnScene):
        return
    if draft.incident.arrived():
        for assignment in [a for a in draft.incident.active() if a.status != "on_scene"]:
            draft.release(assignment, "stood_down")
        draft.withdraw("covered")
    draft.update_coverage()


def _release(draft: Draft, offer: Offer, _reply: AnswerOffer) -> None:
    assignment = assignment_of(draft.incident, offer)
    if assignment is None:
        return
    draft.release(assignment, "done" if assignment.status == "on_scene" else "withdrew")
    draft.update_coverage()
    close_if_done(draft)


def close_if_done(draft: Draft) -> None:
    """Close an incident that was covered and whose responders are all released."""
    incident = draft.incident
    if incident.status == "open" and incident.covered_at is not None and not any(incident.active()):
        draft.withdraw("closed")
        draft.resolve(None, "closed")
        draft.add(IncidentClosed(at=draft.now, incident_id=incident.id, by=RENFORT, reason="all released"))


def _danger(draft: Draft, _offer: Offer, _reply: AnswerOffer) -> None:
    """Hold everybody and escalate at once: a responder reports danger."""
    if transitions.may(transitions.INCIDENT, draft.incident.status, IncidentHeld):
        draft.add(
            IncidentHeld(
                at=draft.now, incident_id=draft.incident.id, by=RENFORT,
                reason="danger reported by a responder", recalled=draft.incident.involved(),
            )
        )  # fmt: skip
    draft.escalate("danger", page=True, detail="a responder reports danger")


def _acknowledged(_draft: Draft, _offer: Offer, _reply: AnswerOffer) -> None:
    """Do nothing more: `answer` has acknowledged the recall already."""


def _event(event: type[OfferEvent | AssignmentEvent], draft: Draft, offer: Offer, **more: object) -> Event:
    names = {"incident_id": draft.incident.id, "offer_id": offer.id, "volunteer_id": offer.volunteer_id}
    return event(at=draft.now, **names, **more)  # type: ignore[arg-type]


_ANSWERS: dict[str, Callable[[Draft, Offer, AnswerOffer], None]] = {
    "accepted": _accept,
    "declined": _decline,
    "en_route": _en_route,
    "on_scene": _on_scene,
    "released": _release,
    "danger": _danger,
    "acknowledged": _acknowledged,
}
