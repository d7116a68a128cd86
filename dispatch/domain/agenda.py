"""What is due when: `agenda(incident)` is pure, and `tick` does what is due."""

from datetime import datetime, timedelta
from uuid import UUID

from dispatch.domain import escalation
from dispatch.domain.asking import can_widen, may_ask, wants, widen
from dispatch.domain.draft import Draft
from dispatch.domain.incident import Incident, Recall
from schemas.incidents import StepDone
from schemas.offers import OfferExpired

CONSIDER_GRACE = timedelta(seconds=2)
"""The incidents' consumer comes first; the agenda considers what it has not."""
SEVERE_GRACE = timedelta(seconds=0.25)
"""The same for life-threatening incidents: on their topic they stand behind lesser ones, on the agenda before them."""
RECALL_WITHIN = timedelta(seconds=60)
"""How long recalled volunteers have to say that they have seen it before a supervisor is told who has not."""


def agenda(incident: Incident) -> dict[str, datetime]:
    """Give one due time per kind: what Renfort will do about this incident if nobody does anything before."""
    entries = {
        "offer": min((offer.expires_at for offer in incident.live_offers()), default=None),
        "widen": _widens_at(incident),
        "step": _step_at(incident),
        "en_route": _stalled_at(incident),
        "recall": _recall_at(incident),
        "consider": _consider_at(incident),
    }
    found = {kind: at for kind, at in entries.items() if at is not None}
    return found | escalation.agenda(incident.escalations)


def tick(draft: Draft, being_answered: frozenset[UUID] = frozenset()) -> None:
    """Do everything that is due, at most one escalation step; what it leaves on the agenda is due later."""
    now = draft.now
    for offer in [
        o for o in draft.incident.live_offers() if o.expires_at <= now and o.id not in being_answered
    ]:
        draft.add(
            OfferExpired(
                at=now, incident_id=draft.incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id
            )
        )
    if _due(_widens_at(draft.incident), now):
        widen(draft)
    if _due(_step_at(draft.incident), now):
        _step(draft)
    if _due(_stalled_at(draft.incident), now):
        draft.escalate("not_en_route", page=False, level=1, detail="assigned, and not on the way")
    if _due(_recall_at(draft.incident), now):
        missing = len(draft.incident.unseen())
        draft.escalate(
            "recall_unacknowledged", page=True, detail=f"{missing} have not acknowledged the recall"
        )
    draft.extend(escalation.due(draft.incident.escalations, now))


def _due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _lacks_somebody(incident: Incident) -> bool:
    return (
        incident.status == "open" and not incident.awaiting and bool(incident.seats) and not incident.seated()
    )


def _widens_at(incident: Incident) -> datetime | None:
    if not (can_widen(incident) and may_ask(incident) and _lacks_somebody(incident)):
        return None
    return incident.widened_at + timedelta(seconds=incident.plan.search.widen_after_s)


def _step_at(incident: Incident) -> datetime | None:
    """Give when the next step is due; after an outage the steps keep their distance from each other."""
    steps, done = incident.plan.steps, incident.steps_done
    if done >= len(steps) or not _lacks_somebody(incident):
        return None
    planned = incident.armed_at + timedelta(seconds=steps[done].after_s)
    if done == 0 or incident.last_step_at is None:
        return planned
    gap = timedelta(seconds=steps[done].after_s - steps[done - 1].after_s)
    return max(planned, incident.last_step_at + gap)


def _step(draft: Draft) -> None:
    number = draft.incident.steps_done
    step = draft.incident.plan.steps[number]
    draft.add(StepDone(at=draft.now, incident_id=draft.incident.id, step=number, level=step.level))
    empty = sum((draft.incident.needed() - draft.incident.filled()).values())
    draft.escalate("uncovered", page=step.page, level=step.level, detail=f"{empty} seats are empty")


def _stalled_at(incident: Incident) -> datetime | None:
    if incident.plan.informs or incident.status != "open" or _is_open(incident, "not_en_route"):
        return None
    waiting = [a.assigned_at for a in incident.active() if a.status == "assigned"]
    within = timedelta(seconds=incident.plan.en_route_within_s)
    return min(waiting) + within if waiting else None


def _recall_at(incident: Incident) -> datetime | None:
    if incident.status not in ("held", "aborted"):
        return None
    untold = [recall.at for recall in incident.unseen() if not _told(incident, recall)]
    return min(untold) + RECALL_WITHIN if untold else None


def _told(incident: Incident, recall: Recall) -> bool:
    return any(
        e.reason == "recall_unacknowledged" and e.told_at > recall.at for e in incident.escalations.values()
    )


def _is_open(incident: Incident, reason: str) -> bool:
    return any(e.reason == reason for e in incident.open_escalations())


def _consider_at(incident: Incident) -> datetime | None:
    if not wants(incident):
        return None
    grace = SEVERE_GRACE if incident.severity == "life_threatening" else CONSIDER_GRACE
    return incident.retry_at or incident.last_at + grace
