"""A small model of one organisation, updated event by event; it shares no code with the domain that it checks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from schemas.plans import Plan
from schemas.replies import ReplyReceived


@dataclass
class Seat:
    """A place to fill; `holder` is the assignment that has it; one that was `added` is for who comes too late."""

    role: str
    skill: str
    reserve: bool
    holder: UUID | None = None
    added: bool = False


@dataclass
class Offer:
    """Somebody asked; `late` is what became of a yes that came late."""

    id: UUID
    incident: UUID
    volunteer: UUID
    role: str
    asked_at: datetime
    expires_at: datetime
    status: str = "extended"
    late: str | None = None
    withdrawn: str | None = None
    waiting_since: datetime | None = None

    @property
    def missed(self) -> bool:
        """Tell whether it reached nobody, as far as is known."""
        return self.status == "withdrawn" and self.withdrawn in ("unsent", "unreached") and self.late is None


@dataclass
class Assignment:
    """Somebody who comes, or came."""

    volunteer: UUID
    offer: UUID
    seat: int
    released: str | None = None
    on_scene: bool = False

    @property
    def active(self) -> bool:
        """Tell whether they are still bound."""
        return self.released is None


@dataclass
class Escalation:
    """An escalation as its events describe it."""

    reason: str
    page: bool
    told_at: datetime
    status: str = "raised"

    @property
    def open(self) -> bool:
        """Tell whether somebody still has to see to it."""
        return self.status in ("raised", "acknowledged")


@dataclass
class Incident:
    """One incident as its events describe it."""

    id: UUID
    lane: str
    mode: str
    severity: str
    plan: Plan
    placed: bool
    hazards: set[str]
    awaiting: tuple[str, ...]
    seats: dict[int, Seat]
    window: tuple[datetime, datetime] | None = None
    status: str = "open"
    taken: bool = False
    covered: bool = False
    overdue: bool = False
    outcome: str | None = None
    stations: tuple[str, ...] = ()
    offers: dict[UUID, Offer] = field(default_factory=dict)
    assignments: dict[UUID, Assignment] = field(default_factory=dict)
    recalls: dict[UUID, tuple[str, datetime, bool]] = field(default_factory=dict)
    escalations: dict[UUID, Escalation] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Tell whether it is over."""
        return self.status in ("aborted", "closed", "cancelled")

    @property
    def ends_itself(self) -> bool:
        """Tell whether the clock may end it; whatever a human holds or has taken over is theirs to end."""
        calm = self.lane == "planned" and self.severity != "life_threatening"
        return self.status == "open" and (calm or self.lane == "drill" or self.plan.engagement == "notice")

    def excludes(self, other: "Incident") -> bool:
        """Tell whether nobody can be bound to both."""
        if self.id == other.id or self.lane != other.lane or self.lane != "planned":
            return self.lane == other.lane
        if "notice" in (self.plan.engagement, other.plan.engagement):
            return False
        if self.window is None or other.window is None:
            return True
        return self.window[0] < other.window[1] and other.window[0] < self.window[1]

    def live(self) -> Iterator[Offer]:
        """Give the offers that wait for an answer."""
        return (offer for offer in self.offers.values() if offer.status == "extended")

    def waiting(self, role: str) -> list[Offer]:
        """Give those who wait for a seat of a role, the first to be seated first."""
        found = [one for one in self.offers.values() if one.status == "waitlisted" and one.role == role]
        return sorted(found, key=lambda one: (one.waiting_since or one.asked_at, one.id))

    def active(self) -> Iterator[Assignment]:
        """Give those who come or are there."""
        return (one for one in self.assignments.values() if one.active)

    def holds(self, volunteer: UUID) -> bool:
        """Tell whether somebody comes or is there."""
        return any(one.volunteer == volunteer for one in self.active())

    def involved(self) -> set[UUID]:
        """Name everybody whom a recall concerns."""
        return {o.volunteer for o in self.live()} | {a.volunteer for a in self.active()}

    def free(self, role: str) -> bool:
        """Tell whether a seat of a role is empty."""
        return any(s.role == role and s.holder is None and not s.added for s in self.seats.values())

    def seated(self) -> bool:
        """Tell whether each role has as many people as it needs."""
        return self._enough(s for s in self.seats.values() if s.holder is not None and not s.added)

    def arrived(self) -> bool:
        """Tell whether each role has as many people on scene as it needs."""
        there = (s for s in self.seats.values() if s.holder and self.assignments[s.holder].on_scene)
        return self._enough(there)

    def _enough(self, found: Iterable[Seat]) -> bool:
        needed = Counter(seat.role for seat in self.seats.values() if not seat.reserve)
        return bool(self.seats) and not needed - Counter(seat.role for seat in found)

    def forbidden(self) -> bool:
        """Tell whether a hazard keeps volunteers away."""
        return bool(self.hazards & set(self.plan.forbidden_hazards))

    def raised(self, reason: str) -> list[Escalation]:
        """Return the escalations raised for a reason, resolved or not."""
        return [one for one in self.escalations.values() if one.reason == reason]


@dataclass
class Person:
    """A volunteer, and what they said of being asked."""

    id: UUID
    phone: str
    skills: frozenset[str]
    drills: bool
    stopped: bool = False
    station: str | None = None
    lists: frozenset[str] = frozenset()
    apart: UUID | None = None

    def permitted(self, plan: Plan) -> bool:
        """Tell whether the lists of a plan let somebody be asked."""
        return (
            plan.search.only is None or plan.search.only in self.lists
        ) and plan.search.never not in self.lists


@dataclass
class Model:
    """Everything of one organisation that the rules are about."""

    people: dict[UUID, Person]
    paused: bool = False
    incidents: dict[UUID, Incident] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)
    replies: dict[UUID, ReplyReceived] = field(default_factory=dict)
    worked: set[UUID] = field(default_factory=set)
    system: dict[UUID, Escalation] = field(default_factory=dict)

    def engagements(self) -> set[tuple[UUID, UUID]]:
        """Name who is bound to which incident."""
        return {(a.volunteer, i.id) for i in self.incidents.values() for a in i.active()}

    def bound(self, volunteer: UUID, incident: Incident, among: set[tuple[UUID, UUID]]) -> bool:
        """Tell whether one of some engagements keeps somebody from an incident, or is one to it."""
        mine = (self.incidents[name] for who, name in among if who == volunteer)
        return any(incident.excludes(other) for other in mine)

    def meets(self, volunteer: UUID, incident: Incident) -> bool:
        """Tell whether somebody comes to an incident whom a volunteer must not meet."""
        return any(one.volunteer == self.people[volunteer].apart for one in incident.active())

    def states(self, offer: Offer) -> set[str]:
        """Tell whether an offer is live, a second call for somebody bound, taken by who is bound, or over."""
        if offer.status == "extended":
            bound = {who for who, _ in self.engagements()}
            return {"live", "second"} if offer.volunteer in bound else {"live"}
        taken = any(one.offer == offer.id for one in self.incidents[offer.incident].active())
        return {"taken"} if taken else {"over"}

    def unprocessed_replies(self) -> list[ReplyReceived]:
        """Give the answers that were received and not worked yet."""
        return [reply for name, reply in self.replies.items() if name not in self.worked]
