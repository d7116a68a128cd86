"""The outlook of an incident: what it lacks, who comes, and what happens next if nobody does anything before."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from dispatch.domain.agenda import agenda, tick
from dispatch.domain.asking.offers import offers_due
from dispatch.domain.commands import Tick
from dispatch.domain.decision import Decision
from dispatch.domain.incident import AssignmentStatus, Incident
from schemas.base import Event
from schemas.escalations import EscalationRaised
from schemas.incidents import IncidentClosed, IncidentOverdue, Widened
from schemas.offers import ArrivalExpected, Assigned, OfferExtended, Released, Reminded, Reseated

Step = Literal[
    "asks",
    "asks_again",
    "widens",
    "next_station",
    "tells",
    "pages",
    "pages_next",
    "releases",
    "reseats",
    "reserves",
    "reminds",
    "seats",
    "asks_if_over",
    "ends",
]


class Responder(Struct, frozen=True):
    """Somebody who holds a seat; `late` where they arrive too late for the plan, `doubtful` where their yes is."""

    volunteer_id: UUID
    role: str
    status: AssignmentStatus
    eta_at: datetime | None
    late: bool
    doubtful: bool


class Consequence(Struct, frozen=True):
    """One thing that happens.

    `number` is the level of "tells", "pages" and "pages_next", which have a reason, and the metres of "widens";
    "next_station" has the station's name as its reason, "ends" the outcome. Of any other step it counts the people.
    """

    step: Step
    number: int
    reason: str = ""


class Next(Struct, frozen=True):
    """What happens at the next due time if nothing happens before."""

    at: datetime
    consequences: tuple[Consequence, ...]


def lacking(incident: Incident) -> dict[str, int]:
    """Return how many people each role lacks, without the roles that lack none."""
    return dict(incident.needed() - incident.filled())


def responders(incident: Incident) -> list[Responder]:
    """Return those who are there or come: on scene first, then by their expected arrival."""
    late = incident.late()
    found = [
        Responder(
            one.volunteer_id, incident.seat_of(one).role, one.status, one.eta_at, one.id in late,
            one.doubted_until is not None,
        )
        for one in incident.active()
    ]  # fmt: skip
    return sorted(found, key=_nearness)


def _nearness(one: Responder) -> tuple[bool, bool, bool, float]:
    eta = one.eta_at.timestamp() if one.eta_at else 0.0
    return one.status != "on_scene", one.late, one.eta_at is None, eta


def next_step(incident: Incident) -> Next | None:
    """Return what the next due entry of the agenda leads to; None where nothing is due."""
    entries = agenda(incident)
    if not entries:
        return None
    at = min(entries.values())
    return Next(at, tuple(_consequences(incident, at)))


def _consequences(incident: Incident, at: datetime) -> Iterator[Consequence]:
    """Decide what is due as the agenda will, and yield what a supervisor would notice of it."""
    decision = Decision(incident, at)
    tick(decision, Tick())
    if wanted := offers_due(decision.incident, at).total():
        yield Consequence("asks_again" if incident.retry_at is not None else "asks", wanted)
    for event in decision.events:
        if isinstance(event, Widened):
            yield _widening(event)
        elif isinstance(event, IncidentOverdue) and event.asked:
            yield Consequence("asks_if_over", len(event.asked))
        elif isinstance(event, IncidentClosed):
            yield Consequence("ends", 0, event.outcome or "")
        elif isinstance(event, EscalationRaised):
            step: Step = "tells" if not event.page else "pages_next" if event.turn else "pages"
            yield Consequence(step, event.level, event.reason)
    # Whoever is released at the end is no step of its own.
    events = [one for one in decision.events if not isinstance(one, Released) or one.reason == "stood_down"]
    for kind, word in _COUNTED.items():
        if count := sum(isinstance(event, kind) for event in events):
            yield Consequence(word, count)


def _widening(event: Widened) -> Consequence:
    if event.muster is None:
        return Consequence("widens", event.radius_m)
    return Consequence("next_station", 1, event.muster)


_COUNTED: dict[type[Event], Step] = {
    Released: "releases", ArrivalExpected: "reseats", Reseated: "reserves", Reminded: "reminds", Assigned: "seats",
    OfferExtended: "asks",
}  # fmt: skip
"""What is counted; a tick seats, and itself asks, only those who wait for a seat."""
