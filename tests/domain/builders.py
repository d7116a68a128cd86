"""Small incidents, plans and volunteers for the tests of decisions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from dispatch.domain.agenda import agenda
from dispatch.domain.commands import Act, AnswerOffer, Command, Consider, Pick, Tick, Update
from dispatch.domain.decide import apply, decide
from dispatch.domain.decision import Decision
from dispatch.domain.evolve import evolve
from dispatch.domain.incident import Assignment, Incident, Offer
from dispatch.domain.opening import Opening, open_incident
from schemas.base import Event, Hazard, Position, Window
from schemas.ids import named
from schemas.plans import Plan
from schemas.replies import Answer
from schemas.reports import Professional, ReportReceived

START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
PLACE = Position(lat=48.85, lon=2.35)
CALLED = Professional(requested=True, reference="SAMU 75-1")


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def person(number: int) -> UUID:
    """Return the id of a volunteer."""
    return named("volunteer", number)


def plan(**changes: object) -> Plan:
    """Return a plan of two helpers, asked for a minute each, escalated at 1, 2 and 3 minutes."""
    fields: dict[str, Any] = {
        "name": "test",
        "title": {"fr": "Essai", "en": "Test"},
        "kinds": ("medical.fall",),
        "seats": ({"role": "helper", "skills": ("first_aid",), "count": 2},),
        "offers": {"open": 5, "per_seat": 2, "window_s": 60, "surplus": 0},
        "search": {"radii_m": (1000, 2000), "widen_after_s": 45, "retry_s": 30},
        "steps": (
            {"after_s": 60, "level": 1},
            {"after_s": 120, "level": 2, "do": "page"},
            {"after_s": 180, "level": 3, "do": "page"},
        ),
        "forbidden_hazards": ("weapon", "fire"),
    }
    return Plan.model_validate(fields | changes)


def watch_plan(**changes: object) -> Plan:
    """Return the same plan as a notice that sends nobody."""
    return plan(**{"kinds": ("watch.odour",), "engagement": "notice", "professional": "informed"} | changes)


def opening(**changes: object) -> Opening:
    """Return the opening of a trusted report, for a service area without bounds; changes apply to either."""
    fields: dict[str, Any] = {
        "at": START, "source": "control-room", "source_id": "1", "kind": "medical.fall", "position": PLACE,
        "professional": CALLED,
    }  # fmt: skip
    known: dict[str, Any] = {
        "report_id": named("report"), "organisation": named("organisation"), "mode": "actual",
        "trusted": True, "area": None, "accepted_at": START, "zone": "Europe/Paris", "known": None,
        "ends": True,
    }  # fmt: skip
    report = {name: value for name, value in changes.items() if name not in known}
    known |= {name: value for name, value in changes.items() if name in known}
    return Opening(report=ReportReceived(**fields | report), **known)


def incident(under: Plan | None = None, **changes: object) -> Incident:
    """Open an incident."""
    return open_incident(opening(**changes), under or plan(), START).incident


def after(before: Incident, *commands: Command, now: datetime = START) -> Incident:
    """Return the incident after some commands."""
    decision = Decision(before, now)
    for command in commands:
        apply(decision, command)
    return decision.incident


def picks(roles: Sequence[str], first: int = 0) -> Consider:
    """Return a round that picks a new volunteer for each role."""
    found = tuple(Pick(person(first + n), role, 100 + n) for n, role in enumerate(roles))
    return Consider(named("round", first), found)


def ask(before: Incident, count: int, *, first: int = 0, now: datetime = START) -> Incident:
    """Extend offers to so many volunteers, the roles of the plan in turn."""
    roles = [need.role for need in before.plan.seats] * count
    return after(before, picks(roles[:count], first), now=now)


def offer_of(state: Incident, number: int) -> Offer:
    """Return the last offer to a volunteer."""
    return [o for o in state.offers.values() if o.volunteer_id == person(number)][-1]


def assignment_of(state: Incident, number: int) -> Assignment:
    """Return the last assignment of a volunteer."""
    return [a for a in state.assignments.values() if a.volunteer_id == person(number)][-1]


def reply(state: Incident, number: int, answer: Answer, received: datetime = START) -> AnswerOffer:
    """Return an answer to the last offer to a volunteer."""
    return AnswerOffer(offer_of(state, number).id, person(number), answer, "page", received)


def answered(
    before: Incident, number: int, *answers: Answer, now: datetime = START, received: datetime | None = None
) -> Incident:
    """Return the incident after one or several answers of a volunteer."""
    return after(before, *(reply(before, number, a, received or now) for a in answers), now=now)


def unsettled(state: Incident, command: Command) -> Incident:
    """Return the incident without what is settled, except where the command concerns it, as it is read for it.

    The search picks nobody whom the incident asked before; a round in a test may.
    """
    named = command.offer_id if isinstance(command, AnswerOffer) else None
    people = {pick.volunteer_id for pick in command.picks} if isinstance(command, Consider) else set()
    seated = {seat.assignment_id for seat in state.seats}
    settled = {o.id: o for o in state.settled.values() if o.id == named or o.volunteer_id in people}
    held = {a.id: a for a in state.assignments.values() if a.id in seated or a.offer_id == named}
    return replace(state, settled=settled, assignments=held)


def acted(before: Incident, *acts: str, now: datetime = START) -> Incident:
    """Return the incident after acts of a supervisor."""
    return after(before, *(Act(what, "Ada") for what in acts), now=now)  # type: ignore[arg-type]


def hazards(*found: Hazard) -> Update:
    """Return an update of the source that reports hazards."""
    return Update(named("update"), None, None, found, None, trusted=True)


def moved_to(window: Window) -> Update:
    """Return an update of the source that reports another window."""
    return Update(named("update"), None, None, (), None, trusted=True, window=window)


def one_left_on_scene() -> Incident:
    """Return an incident to which four came where three were needed; only volunteer 3 is still on scene."""
    seats = (
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 2},
    )
    state = after(incident(plan(seats=seats, offers={"surplus": 1})), picks(["driver"] + ["helper"] * 3))
    for number in (3, 2, 1, 0):
        state = answered(state, number, "accepted")
    for number in (3, 2, 1, 0):
        state = answered(state, number, "on_scene")
    for number in (0, 1, 2):
        state = answered(state, number, "released")
    return state


def tick_until(before: Incident, end: datetime) -> list[Event]:
    """Tick at each due time until the end, without new volunteers; return the events."""
    events: list[Event] = []
    while (
        now := min((t for kind, t in agenda(before).items() if kind != "consider"), default=None)
    ) is not None:
        if now > end:
            break
        done = decide(before, Tick(), now)
        assert done, "a due entry leads to an event"
        events += done
        for event in done:
            before = evolve(before, event)
    return events


def passed(before: Incident, end: datetime) -> Incident:
    """Return the incident at the end of a period of ticks."""
    for event in tick_until(before, end):
        before = evolve(before, event)
    return before


def kinds(events: Sequence[Event]) -> list[str]:
    """Return the types of events without their version."""
    return [event.type.rpartition(".v")[0] for event in events]


def due(state: Incident) -> dict[str, float]:
    """Return the agenda in seconds after the start, without the end of the mission, which every incident has."""
    entries = agenda(state).items()
    return {kind: (when - START).total_seconds() for kind, when in entries if kind != "ending"}
