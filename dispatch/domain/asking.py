"""Whom an incident wants asked: the rolling window of offers, the rings, and what a round of picks leads to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from dispatch.domain.commands import Consider, Pick
from dispatch.domain.draft import Draft
from dispatch.domain.incident import Incident
from schemas.ids import derived
from schemas.incidents import Shortfall, Widened
from schemas.offers import OfferExtended

CONTENDED_RETRY = timedelta(seconds=1)
"""How soon to look again when another transaction held the volunteers."""


def may_ask(incident: Incident) -> bool:
    """Tell whether volunteers may be asked at all now."""
    return (
        incident.status == "open"
        and not incident.awaiting
        and incident.position is not None
        and incident.mode != "draft"
        and not forbidden(incident)
    )


def forbidden(incident: Incident) -> tuple[str, ...]:
    """Name the hazards of the incident that its plan keeps volunteers away from."""
    return tuple(hazard for hazard in incident.hazards if hazard in incident.plan.forbidden_hazards)


def tell_obstacles(draft: Draft) -> None:
    """Tell a supervisor of whatever keeps volunteers from being asked."""
    incident = draft.incident
    if incident.position is None:
        draft.escalate("unplaced", page=True, detail="the report has no position")
    if not incident.plan.asks:
        draft.escalate("no_plan", page=True, detail=f"no plan asks volunteers for {incident.kind}")
    if incident.awaiting:
        draft.escalate("awaiting_confirmation", page=True, detail=", ".join(incident.awaiting))
    if hazards := forbidden(incident):
        draft.escalate("hazard", page=True, detail=", ".join(hazards))


def wants(incident: Incident) -> Counter[str]:
    """Count the offers to extend now, by role: enough for each empty seat, never more open than the plan allows."""
    if not may_ask(incident) or incident.arrived():
        return Counter()
    policy = incident.plan.offers
    live = [offer.role for offer in incident.live_offers()]
    room = min(policy.open - len(live), policy.most - len(incident.offers))
    if room <= 0:
        return Counter()
    empty = Counter(seat.role for seat in incident.seats if seat.assignment_id is None)
    wanted = {role: seats * policy.per_seat - live.count(role) for role, seats in empty.items()}
    return _share(wanted, room)


def _share(wanted: Mapping[str, int], room: int) -> Counter[str]:
    """Deal the room out one by one, so that no role waits for another."""
    dealt: Counter[str] = Counter()
    while room > 0 and (open_ := [role for role, count in wanted.items() if dealt[role] < count]):
        dealt.update(open_[:room])
        room -= len(open_[:room])
    return dealt


def can_widen(incident: Incident) -> bool:
    """Tell whether there is a wider ring to search."""
    return incident.ring + 1 < len(incident.plan.search.radii_m)


def widen(draft: Draft) -> None:
    """Search the next ring from now on."""
    radius = draft.incident.plan.search.radii_m[draft.incident.ring + 1]
    draft.add(Widened(at=draft.now, incident_id=draft.incident.id, radius_m=radius))


def consider(draft: Draft, command: Consider) -> None:
    """Offer to the picks that are still wanted; where they are too few, widen, retry, and tell somebody."""
    before = wants(draft.incident)
    wanted, involved = Counter(before), set(draft.incident.involved())
    for pick in command.picks:
        if wanted[pick.role] > 0 and pick.volunteer_id not in involved:
            wanted[pick.role] -= 1
            involved.add(pick.volunteer_id)
            _offer(draft, pick, command)
    if wanted.total() == 0:
        return
    if can_widen(draft.incident) and not command.contended:
        widen(draft)
        return
    _fall_short(draft, command, before.total(), before.total() - wanted.total())


def _offer(draft: Draft, pick: Pick, command: Consider) -> None:
    incident = draft.incident
    asked = sum(1 for offer in incident.offers.values() if offer.volunteer_id == pick.volunteer_id)
    draft.add(
        OfferExtended(
            at=draft.now,
            incident_id=incident.id,
            offer_id=derived(incident.id, "offer", pick.volunteer_id, asked),
            volunteer_id=pick.volunteer_id,
            role=pick.role,
            expires_at=draft.now + timedelta(seconds=incident.plan.offers.window_s),
            distance_m=pick.distance_m,
            round_id=command.round_id,
        )
    )


def _fall_short(draft: Draft, command: Consider, wanted: int, found: int) -> None:
    """Say that too few could be asked; an incident that nobody can be asked for does not wait for its steps."""
    incident = draft.incident
    retry = CONTENDED_RETRY if command.contended else timedelta(seconds=incident.plan.search.retry_s)
    if found == 0 and not command.contended and not incident.seated() and not any(incident.live_offers()):
        draft.escalate("uncovered", page=True, detail=f"nobody to ask within {incident.radius_m} m")
    draft.add(
        Shortfall(
            at=draft.now,
            incident_id=incident.id,
            wanted=wanted,
            found=found,
            radius_m=incident.radius_m,
            shut=command.shut,
            retry_at=draft.now + retry,
        )
    )


def skills_of(incident: Incident, roles: Iterable[str]) -> dict[str, str]:
    """Name the skill that each role asks for."""
    return {seat.role: seat.skill for seat in incident.seats if seat.role in set(roles)}
