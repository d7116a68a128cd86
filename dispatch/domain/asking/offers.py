"""Which offers an incident extends: how many at once, the search rings, and the decision on a round of picks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from dispatch.domain.asking import mustering, way_of
from dispatch.domain.asking.way import Way
from dispatch.domain.commands import Consider, Pick, Unreached
from dispatch.domain.decision import Decision
from dispatch.domain.incident import Incident, Seat
from dispatch.domain.scheduling import timing
from dispatch.domain.scheduling.staleness import STALE
from dispatch.domain.supervising.escalation import UNSENDABLE
from schemas.ids import derived
from schemas.incidents import Shortfall, Widened
from schemas.offers import OfferExtended

QUIET = "quiet_hours"
"""Why nobody was found whom the time of day keeps from being asked."""
CONTENDED_RETRY = timedelta(seconds=1)
"""The delay before the next search when another transaction held some of the volunteers."""
UNSENDABLE_RETRY = timedelta(seconds=5)
"""The delay before the next attempt while nothing can be sent."""


def may_ask(incident: Incident) -> bool:
    """Return whether volunteers may be asked at all now."""
    return (
        incident.status == "open"
        and not incident.awaiting
        and incident.position is not None
        and incident.mode != "draft"
        and not (incident.hazards and forbidden_hazards(incident))
    )


def forbidden_hazards(incident: Incident) -> tuple[str, ...]:
    """Return the hazards of the incident for which its plan forbids offers."""
    return tuple(hazard for hazard in incident.hazards if hazard in incident.plan.forbidden_hazards)


def escalate_obstacles(decision: Decision) -> None:
    """Escalate each reason for which no volunteer can be asked."""
    incident = decision.incident
    if incident.position is None:
        decision.escalate("unplaced", page=True, detail="the report has no position")
    if not incident.plan.asks:
        decision.escalate("no_plan", page=True, detail=f"no plan asks volunteers for {incident.kind}")
    if STALE in incident.awaiting:
        decision.escalate("stale_report", page=True, detail="the report was old when it was accepted")
    if missing := [reason for reason in incident.awaiting if reason != STALE]:
        decision.escalate("awaiting_confirmation", page=True, detail=", ".join(missing))
    if hazards := forbidden_hazards(incident):
        decision.escalate("hazard", page=True, detail=", ".join(hazards))


def offers_wanted(incident: Incident) -> Counter[str]:
    """Return how many offers to extend, by role: enough for each empty seat, within the plan's limits."""
    way = way_of(incident)
    room = _room(incident, way)
    return _distribute(way.wanted(incident), room) if room else Counter()


def offers_due(incident: Incident, now: datetime) -> Counter[str]:
    """Return how many offers to extend now, by role: none in quiet hours, or before a round of a broadcast."""
    if timing.asks_at(incident, now) != now:
        return Counter()
    begins_at = way_of(incident).next_round_at(incident)
    return Counter() if begins_at is not None and now < begins_at else offers_wanted(incident)


def wants_offers_at(incident: Incident) -> datetime | None:
    """Return the earliest time at which an offer may be extended; null where none is wanted."""
    way = way_of(incident)
    if _room(incident, way) == 0 or not any(count > 0 for count in way.wanted(incident).values()):
        return None
    return way.next_round_at(incident) or incident.last_at


def _room(incident: Incident, way: Way) -> int:
    """Return how many more offers the incident may extend; none once enough responders have arrived."""
    room = min(way.room(incident), incident.plan.offers.most - incident.offers_made)
    return room if room > 0 and may_ask(incident) and not incident.arrived() else 0


def _distribute(wanted: Mapping[str, int], room: int) -> Counter[str]:
    """Distribute so many offers over the roles in turn, so that no role waits for another."""
    shares: Counter[str] = Counter()
    while room > 0 and (lacking := [role for role, count in wanted.items() if shares[role] < count]):
        for role in lacking[:room]:
            shares[role] += 1
        room -= len(lacking)
    return shares


def can_widen(incident: Incident) -> bool:
    """Return whether there is a wider ring to search, or another station to ask."""
    return incident.ring + 1 < incident.rings


def widen(decision: Decision) -> None:
    """Widen the search to the next ring, or to the next station."""
    incident, ring = decision.incident, decision.incident.ring + 1
    widest = incident.plan.search.radii_m
    radius, muster = (
        (widest[-1], incident.musters[ring].name) if incident.by_station else (widest[ring], None)
    )
    decision.add(Widened(at=decision.now, incident_id=incident.id, radius_m=radius, muster=muster))


def consider(decision: Decision, command: Consider) -> None:
    """Extend offers to the picks that are still wanted; where they are too few, widen or record a shortfall."""
    before = offers_due(decision.incident, decision.now)
    wanted, involved = Counter(before), set(decision.incident.involved())
    for pick in command.picks:
        if wanted[pick.role] > 0 and pick.volunteer_id not in involved:
            wanted[pick.role] -= 1
            involved.add(pick.volunteer_id)
            extend(decision, pick, command.round_id)
    if not command.unsendable:
        decision.resolve({UNSENDABLE}, "messages can be sent again")
    if wanted.total() == 0:
        return
    if command.unsendable:
        _record_unsendable(decision, command, before.total(), before.total() - wanted.total())
        return
    if can_widen(decision.incident) and not command.contended:
        widen(decision)
        return
    _record_shortfall(decision, command, before.total(), before.total() - wanted.total())


def extend(decision: Decision, pick: Pick, round_id: UUID) -> None:
    """Offer a seat to one person."""
    incident = decision.incident
    decision.add(
        OfferExtended(
            at=decision.now,
            incident_id=incident.id,
            # Somebody whom an earlier offer did not reach may be asked again.
            offer_id=derived(incident.id, "offer", pick.volunteer_id, incident.seq),
            volunteer_id=pick.volunteer_id,
            role=pick.role,
            expires_at=timing.answer_by(incident, decision.now),
            distance_m=pick.distance_m,
            round_id=round_id,
            muster=mustering.point_of(incident, pick),
        )
    )


def defer(decision: Decision) -> None:
    """Record that people are wanted whom nobody may ask before the quiet hours end."""
    incident, now = decision.incident, decision.now
    wanted = offers_wanted(incident).total()
    resumes_at = timing.asks_at(incident, now)
    over = incident.window.ends_at if incident.window else now
    decision.add(
        Shortfall(
            at=now, incident_id=incident.id, wanted=wanted, found=0, radius_m=incident.radius_m,
            shut={QUIET: wanted}, retry_at=resumes_at or over,
        )
    )  # fmt: skip


def withdraw_unreached(decision: Decision, command: Unreached) -> None:
    """Withdraw an offer that reached nobody; one that has ended, or is being answered, stays as it is."""
    offer = decision.incident.live.get(command.offer_id)
    if offer is None or command.being_answered:
        return
    if command.many:
        decision.escalate("unreached", page=True, detail="most messages of this incident are not delivered")
        return
    decision.withdraw_offer(offer, command.reason)


def _record_unsendable(decision: Decision, command: Consider, wanted: int, found: int) -> None:
    """Record that nothing can be sent now, and escalate it; the asking goes on soon after messages leave again."""
    decision.escalate("unsendable", page=True, detail="nothing can be sent: see `dispatch doctor`")
    shut = {UNSENDABLE: wanted - found} | command.shut
    _add_shortfall(decision, replace(command, shut=shut), (wanted, found), UNSENDABLE_RETRY)


def _record_shortfall(decision: Decision, command: Consider, wanted: int, found: int) -> None:
    """Record that too few volunteers were found; where nobody was, escalate at once what cannot wait for a step."""
    incident = decision.incident
    retry = CONTENDED_RETRY if command.contended else timedelta(seconds=incident.plan.search.retry_s)
    nobody = found == 0 and not command.contended and not incident.seated() and not incident.live
    if nobody and _presses(incident):
        decision.escalate("uncovered", page=True, detail=f"nobody to ask within {incident.radius_m} m")
    _add_shortfall(decision, command, (wanted, found), retry)


def _presses(incident: Incident) -> bool:
    """Return whether a supervisor is paged before the plan says so; a notice or a routine matter waits for its step."""
    if incident.severity == "life_threatening":
        return True
    return incident.severity == "urgent" and incident.lane != "planned" and incident.engagement != "notice"


def _add_shortfall(
    decision: Decision, command: Consider, wanted_and_found: tuple[int, int], retry: timedelta
) -> None:
    incident = decision.incident
    decision.add(
        Shortfall(
            at=decision.now,
            incident_id=incident.id,
            wanted=wanted_and_found[0],
            found=wanted_and_found[1],
            radius_m=incident.radius_m,
            shut=command.shut,
            retry_at=decision.now + retry,
        )
    )


def seats_by_role(incident: Incident, roles: Iterable[str]) -> dict[str, Seat]:
    """Return a seat of each role: seats of one role ask for the same."""
    return {seat.role: seat for seat in incident.seats if seat.role in set(roles)}
