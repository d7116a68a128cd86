"""The agenda of an incident: `agenda` computes what is due when, and `tick` does what is due."""

from datetime import datetime, timedelta

from dispatch.domain.answering import arrivals, doubts, lateness, waiting_list
from dispatch.domain.answering.answers import close_if_done
from dispatch.domain.asking.offers import can_widen, defer, may_ask, wants_offers_at, widen
from dispatch.domain.commands import Tick
from dispatch.domain.counting import counted
from dispatch.domain.decision import AT_ONCE, Decision
from dispatch.domain.incident import Incident, Recall
from dispatch.domain.scheduling import ending, reminders, timing
from dispatch.domain.supervising import escalation, steps
from schemas.offers import OfferExpired

CONSIDER_GRACE = timedelta(seconds=2)
"""How long the agenda leaves an incident to the consumer of `incident.events` before it considers it itself."""
SEVERE_GRACE = timedelta(seconds=0.25)
"""The same for life-threatening incidents: on the topic they wait behind others, on the agenda they come first."""
RECALL_WITHIN = timedelta(seconds=60)
"""How long recalled volunteers have to acknowledge before it escalates."""


def agenda(incident: Incident) -> dict[str, datetime]:
    """Return one due time per kind of entry: what happens to this incident if nothing else happens before."""
    entries = {
        "offer": min((offer.expires_at for offer in incident.live_offers()), default=None),
        "widen": _widens_at(incident),
        "step": steps.due_at(incident),
        "doubt": doubts.due_at(incident),
        "reminder": reminders.due_at(incident),
        "en_route": _not_en_route_at(incident),
        "recall": _recall_overdue_at(incident),
        "consider": _consider_at(incident),
        "arrival": arrivals.promotes_at(incident),
        "waiting": waiting_list.due_at(incident),
        "withdraw": _withdraws_at(incident),
        "ending": ending.due_at(incident),
        "late": lateness.due_at(incident),
    }
    found = {kind: at for kind, at in entries.items() if at is not None}
    return found | escalation.agenda(incident.escalations)


def tick(decision: Decision, command: Tick) -> None:
    """Do everything that is due, but at most one escalation step; entries that remain are due later."""
    now = decision.now
    _end_offers(decision, command)
    if doubts.release_unconfirmed(decision, command.being_answered):
        close_if_done(decision)
    arrivals.promote(decision)
    reminders.remind(decision)
    if command.seats:
        waiting_list.fill(decision, command.engaged)
    if decision.incident.withdraws():
        decision.withdraw_rest()
    if timing.is_due(_widens_at(decision.incident), now):
        widen(decision)
    steps.run(decision)
    if timing.is_due(_not_en_route_at(decision.incident), now):
        decision.escalate("not_en_route", page=False, level=1, detail="assigned, and not on the way")
    lateness.reserve_late(decision)
    if timing.is_due(_recall_overdue_at(decision.incident), now):
        missing = counted(len(decision.incident.unseen()), "person has", "people have")
        decision.escalate("recall_unacknowledged", page=True, detail=f"{missing} not acknowledged the recall")
    ending.end_if_due(decision)
    decision.extend(escalation.due(decision.incident.escalations, now))
    if timing.is_due(_consider_at(decision.incident), now) and timing.asks_at(decision.incident, now) != now:
        defer(decision)


def _end_offers(decision: Decision, command: Tick) -> None:
    """Expire the offers that are due; withdraw those that reached nobody, since they asked nobody."""
    now, incident = decision.now, decision.incident
    for offer in incident.due_offers(now)[:AT_ONCE]:
        if offer.id in command.missed:
            decision.withdraw_offer(offer, command.missed[offer.id])
        elif offer.id not in command.being_answered:
            decision.add(
                OfferExpired(
                    at=now, incident_id=incident.id, offer_id=offer.id, volunteer_id=offer.volunteer_id
                )
            )


def _withdraws_at(incident: Incident) -> datetime | None:
    """Return when the rest is withdrawn of the many offers of an incident that asks no more: at once."""
    return incident.last_at if incident.withdraws() else None


def _widens_at(incident: Incident) -> datetime | None:
    if not (can_widen(incident) and may_ask(incident) and steps.lacks_people(incident)):
        return None
    length = timedelta(seconds=incident.plan.search.widen_after_s)
    return timing.awake_after(
        incident, timing.asks_at(incident, incident.widened_at) or incident.widened_at, length
    )


def _not_en_route_at(incident: Incident) -> datetime | None:
    if incident.engagement == "notice" or incident.status != "open":
        return None
    late = incident.late()
    waiting = [
        a.assigned_at for a in incident.assignments.values() if a.status == "assigned" and a.id not in late
    ]
    if not waiting or incident.open_escalation("not_en_route") is not None:
        return None
    return timing.once_begun(incident, min(waiting)) + timedelta(seconds=incident.plan.en_route_within_s)


def _recall_overdue_at(incident: Incident) -> datetime | None:
    if incident.status not in ("held", "aborted"):
        return None
    pending = [recall.at for recall in incident.unseen() if not _escalated(incident, recall)]
    return min(pending) + RECALL_WITHIN if pending else None


def _escalated(incident: Incident, recall: Recall) -> bool:
    return any(
        e.reason == "recall_unacknowledged" and e.told_at > recall.at for e in incident.escalations.values()
    )


def _consider_at(incident: Incident) -> datetime | None:
    """Return when the agenda considers the incident: the next round of a broadcast has no other cause."""
    if (at := wants_offers_at(incident)) is None:
        return None
    grace = SEVERE_GRACE if incident.severity == "life_threatening" else CONSIDER_GRACE
    return timing.asks_at(incident, max(at, incident.retry_at or incident.last_at + grace))
