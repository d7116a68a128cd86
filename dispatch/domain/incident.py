"""The state of one incident: values only, every question about them answered without a clock."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from schemas.base import Channel, Engagement, Hazard, Lane, Mode, MusterPoint, Position, Severity, Window
from schemas.escalations import SubjectKind
from schemas.incidents import Outcome
from schemas.offers import Missed
from schemas.plans import STATION, Plan
from schemas.reports import Professional

IncidentStatus = Literal["open", "held", "taken_over", "aborted", "closed", "cancelled"]
OfferStatus = Literal["extended", "accepted", "declined", "expired", "withdrawn", "waitlisted"]
AssignmentStatus = Literal["assigned", "en_route", "on_scene", "released"]
EscalationStatus = Literal["raised", "acknowledged", "resolved", "handed_over"]


class Seat(Struct, frozen=True):
    """One place to fill, by somebody of `min_age` who has all of some skills and one of others, where any are named.

    A reserve seat is one beyond need; one that was `added` is for somebody who arrives too late for the plan, counts as
    filled for nothing, and is offered to nobody.
    """

    number: int
    role: str
    all_skills: tuple[str, ...]
    any_skills: tuple[str, ...]
    min_age: int | None
    reserve: bool
    assignment_id: UUID | None = None
    added: bool = False

    @property
    def empty(self) -> bool:
        """Return whether somebody is to be asked for it."""
        return self.assignment_id is None and not self.added

    def fits(self, skills: Collection[str]) -> bool:
        """Return whether somebody with these skills may fill it."""
        # Asked for each of sixty people around each incident: generators take five times as long.
        for skill in self.all_skills:
            if skill not in skills:
                return False
        return not self.any_skills or not set(self.any_skills).isdisjoint(skills)


class Offer(Struct, frozen=True):
    """An offer to one volunteer; `late` is the outcome of a yes after it expired, `missed` why nothing reached them.

    `waiting_since` is when a yes was received for which no seat was left, `waiting_by` its channel. `muster` names the
    point to come to; None for the scene.
    """

    id: UUID
    volunteer_id: UUID
    role: str
    status: OfferStatus
    extended_at: datetime
    expires_at: datetime
    distance_m: int
    round_id: UUID
    settled_at: datetime | None = None
    late: str | None = None
    missed: Missed | None = None
    waiting_since: datetime | None = None
    waiting_by: Channel | None = None
    muster: str | None = None


class Assignment(Struct, frozen=True):
    """An accepted offer in its seat.

    `doubted_until` is when a doubtful answer counts as a no, `eta_at` when the responder said that they arrive,
    `reserved_at` since when they are in reserve because they did not leave or arrive in time. From `busy_from` to
    `busy_until` they can be assigned to no other planned mission; an end that is null is open.
    """

    id: UUID
    offer_id: UUID
    volunteer_id: UUID
    seat: int
    status: AssignmentStatus
    assigned_at: datetime
    en_route_at: datetime | None = None
    on_scene_at: datetime | None = None
    released_at: datetime | None = None
    reason: str | None = None
    doubted_until: datetime | None = None
    eta_at: datetime | None = None
    reserved_at: datetime | None = None
    busy_from: datetime | None = None
    busy_until: datetime | None = None
    reminded_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Return whether the responder is still bound to the incident."""
        return self.status != "released"


class Recall(Struct, frozen=True):
    """A volunteer with a recall, to wait or not to approach, and the time of its acknowledgement."""

    volunteer_id: UUID
    kind: Literal["held", "aborted"]
    at: datetime
    acknowledged_at: datetime | None = None


class Escalation(Struct, frozen=True):
    """Something that a supervisor has to handle; `turn` counts the duty contacts who were notified."""

    id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    reason: str
    detail: str
    level: int
    page: bool
    turn: int
    status: EscalationStatus
    raised_at: datetime
    told_at: datetime
    acknowledged_by: str | None = None
    lapses_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Return whether a supervisor still has to handle it."""
        return self.status in ("raised", "acknowledged")


class Incident(Struct, frozen=True):
    """One incident and everything that hangs on it.

    Of the offers that are settled, and of the assignments that hold no seat any more, it need only have those that the
    commands at hand concern: `offers_made` counts every offer but those that reached nobody. `window` is when people
    are needed, null for now; `zone` is the time zone of its quiet hours, null where it has neither. `musters` are the
    points where people gather, in the order in which they are used; none where people go to the scene. `round_at` is
    when the present wave, or round of a broadcast, began, `round_from` how many offers had been made before it.
    `should_end_at` is null for one that was opened while release 0.1.0 ran, which knows no end; `overdue_at` is when
    its responders were asked about that.
    `more_open` is how many offers more than its plan says stay open by now.
    """

    id: UUID
    organisation: UUID
    mode: Mode
    lane: Lane
    report_id: UUID
    kind: str
    severity: Severity
    status: IncidentStatus
    plan: Plan
    plan_hash: str
    engagement: Engagement
    position: Position | None
    hazards: tuple[Hazard, ...]
    professional: Professional
    awaiting: tuple[str, ...]
    seq: int
    opened_at: datetime
    last_at: datetime
    armed_at: datetime
    widened_at: datetime
    steps_done: int = 0
    last_step_at: datetime | None = None
    ring: int = 0
    retry_at: datetime | None = None
    covered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    should_end_at: datetime | None = None
    overdue_at: datetime | None = None
    taken_by: str | None = None
    window: Window | None = None
    zone: str | None = None
    musters: tuple[MusterPoint, ...] = ()
    seats: tuple[Seat, ...] = ()
    live: Mapping[UUID, Offer] = field(default_factory=dict)
    waiting: Mapping[UUID, Offer] = field(default_factory=dict)
    settled: Mapping[UUID, Offer] = field(default_factory=dict)
    offers_made: int = 0
    round_at: datetime | None = None
    round_from: int = 0
    more_open: int = 0
    acceptance: float | None = None
    assignments: Mapping[UUID, Assignment] = field(default_factory=dict)
    recalls: Mapping[UUID, Recall] = field(default_factory=dict)
    escalations: Mapping[UUID, Escalation] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Return whether nothing more can happen to it but late answers and acknowledgements."""
        return self.status in ("aborted", "closed", "cancelled")

    @property
    def ended_as(self) -> Outcome | None:
        """Return how it ended; None where it goes on, was aborted, or was closed by release 0.1.0."""
        return "cancelled" if self.status == "cancelled" else self.outcome

    @property
    def radius_m(self) -> int:
        """Return the radius that is searched now: around a station it is the last one from the beginning."""
        return self.plan.search.radii_m[-1 if self.by_station else self.ring]

    @property
    def by_station(self) -> bool:
        """Return whether only the members of stations are asked; `ring` counts the stations then, else the radii."""
        return self.plan.muster == STATION and bool(self.musters)

    @property
    def rings(self) -> int:
        """Return how often the search can be widened, and the first search: by station or by radius."""
        return len(self.musters if self.by_station else self.plan.search.radii_m)

    @property
    def stations(self) -> tuple[MusterPoint, ...]:
        """Return the stations whose members are asked now."""
        return self.musters[: self.ring + 1] if self.by_station else ()

    @property
    def place(self) -> Position | None:
        """Return where distance counts: at the named point where people gather, else at the scene."""
        return self.musters[0].position if self.musters and not self.by_station else self.position

    @property
    def top_level(self) -> int:
        """Return the highest level of the plan's steps, 3 where it has none."""
        return max((step.level for step in self.plan.steps), default=3)

    @property
    def offers(self) -> Mapping[UUID, Offer]:
        """Return the offers that are known, those that wait for an answer last."""
        return {**self.settled, **self.waiting, **self.live}

    def offer(self, offer_id: UUID) -> Offer | None:
        """Return an offer that is known."""
        return self.live.get(offer_id) or self.waiting.get(offer_id) or self.settled.get(offer_id)

    def withdraws(self) -> bool:
        """Return whether offers remain though the incident asks no more, or people wait though it has ended."""
        return (bool(self.live) and (self.ended or self.status == "taken_over")) or (
            bool(self.waiting) and self.ended
        )

    def live_offers(self) -> Collection[Offer]:
        """Return the offers that wait for an answer."""
        return self.live.values()

    def waiting_list(self, role: str | None = None) -> list[Offer]:
        """Return those who wait for a seat, of one role or of all: in the order in which they said yes."""
        found = [offer for offer in self.waiting.values() if role in (None, offer.role)]
        return sorted(found, key=lambda offer: (offer.waiting_since or offer.extended_at, offer.id))

    def due_offers(self, now: datetime) -> list[Offer]:
        """Return the offers whose window has ended without an answer."""
        return [offer for offer in self.live.values() if offer.expires_at <= now]

    def active(self) -> Iterator[Assignment]:
        """Return the assignments of those who come or are there."""
        return (assignment for assignment in self.assignments.values() if assignment.active)

    def doubted(self) -> list[Assignment]:
        """Return the assignments of those whose answer is in doubt."""
        return [a for a in self.active() if a.doubted_until is not None]

    def open_seats(self) -> list[Seat]:
        """Return the seats for which volunteers are asked: those that are empty, and those held in doubt."""
        doubted = {assignment.id for assignment in self.doubted()}
        return [
            seat for seat in self.seats if seat.empty or (seat.assignment_id in doubted and not seat.added)
        ]

    def involved(self) -> tuple[UUID, ...]:
        """Return everybody who is assigned or holds an offer, each once, sorted."""
        people = {a.volunteer_id for a in self.active()} | {o.volunteer_id for o in self.live_offers()}
        return tuple(sorted(people))

    def unseen(self) -> list[Recall]:
        """Return the recalls to be acknowledged; a hold concerns only those who are still involved."""
        involved = set(self.involved())
        pending = (recall for recall in self.recalls.values() if recall.acknowledged_at is None)
        return [recall for recall in pending if recall.kind == "aborted" or recall.volunteer_id in involved]

    def open_escalations(self) -> Iterator[Escalation]:
        """Return the escalations that supervisors still have to handle."""
        return (escalation for escalation in self.escalations.values() if escalation.open)

    def open_escalation(self, reason: str) -> Escalation | None:
        """Return the open escalation of a reason: there is one at most."""
        return next(
            (escalation for escalation in self.open_escalations() if escalation.reason == reason), None
        )

    def filled(self) -> Counter[str]:
        """Count the filled seats of each role, without those who arrive too late."""
        return Counter(seat.role for seat in self._filled_seats())

    def needed(self) -> Counter[str]:
        """Count the seats that each role needs, reserve apart."""
        return Counter(seat.role for seat in self.seats if not seat.reserve)

    def seated(self) -> bool:
        """Return whether each role has as many people as it needs, whichever seat they hold."""
        return self._enough([seat.role for seat in self._filled_seats()])

    def _filled_seats(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.assignment_id is not None and not seat.added]

    def seat_of(self, assignment: Assignment) -> Seat:
        """Return the seat that an active assignment holds."""
        return next(seat for seat in self.seats if seat.number == assignment.seat)

    def late(self) -> set[UUID]:
        """Return the assignments of those who arrive too late for the plan."""
        return {seat.assignment_id for seat in self.seats if seat.added and seat.assignment_id is not None}

    def spare_seat(self, role: str) -> Seat:
        """Return an empty seat beyond those of the plan: one that was added before, or one to add."""
        alike = [seat for seat in self.seats if seat.role == role]
        spare = next((seat for seat in alike if seat.added and seat.assignment_id is None), None)
        number = max(seat.number for seat in self.seats) + 1
        return spare or replace(alike[0], number=number, reserve=True, assignment_id=None, added=True)

    def arrived(self) -> bool:
        """Return whether each role has as many people on scene, or back from there, as it needs."""
        there = self.assignments and {a.id for a in self.assignments.values() if a.on_scene_at is not None}
        return bool(there) and self._enough([seat.role for seat in self.seats if seat.assignment_id in there])

    def _enough(self, found: list[str]) -> bool:
        # Asked several times for every answer: a Counter takes four times as long.
        lacking = [seat.role for seat in self.seats if not seat.reserve]
        if len(found) < len(lacking):
            return False
        for role in found:
            if role in lacking:
                lacking.remove(role)
        return bool(self.seats) and not lacking
