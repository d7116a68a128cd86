"""The situation as supervisors read it: incidents in summary and in detail, and escalations."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from dispatch.domain.incident import Incident, Seat
from dispatch.domain.supervising.supervision import allowed
from dispatch.services.access.duty_contacts import names_of_actors
from dispatch.services.console.views import Assignment, Escalation, Offer, Recall, ResponderText
from dispatch.services.core.short_ids import unknown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.members import Members, Sighting, members_of
from dispatch.storage import incidents as store
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from schemas.base import Lane, Mode, Position, Severity
from schemas.incidents import Outcome
from schemas.reports import Professional, SentWindow

View = TypeVar("View", Offer, Assignment, Recall, Escalation)
Part = TypeVar("Part", Offer, Assignment, Recall, ResponderText)


@dataclass(frozen=True, slots=True)
class IncidentSummary:
    """An incident in one row of a list."""

    id: UUID
    mode: Mode
    lane: Lane
    kind: str
    severity: Severity
    status: str
    plan: str
    lat: float | None
    lon: float | None
    awaiting: list[str]
    opened_at: datetime
    covered_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    taken_by: str | None
    needed: int
    filled: int
    open_offers: int
    open_escalations: int


@dataclass(frozen=True, slots=True)
class SeatDetail:
    """A place to fill; `skill` is the first of `all_skills`, as release 0.1.0 showed it."""

    number: int
    role: str
    skill: str
    all_skills: tuple[str, ...]
    any_skills: tuple[str, ...]
    min_age: int | None
    reserve: bool
    assignment_id: UUID | None

    @classmethod
    def of(cls, seat: Seat) -> Self:
        """Lay out a seat."""
        return cls(skill=next(iter(seat.all_skills), ""), **{name: getattr(seat, name) for name in _SEAT})


_SEAT = ("number", "role", "all_skills", "any_skills", "min_age", "reserve", "assignment_id")


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """An incident with all its parts.

    `acts` are the commands allowed now, `words` the reports' texts, `texts` those that its volunteers sent. `musters`
    are the stations that are asked so far, or the named point where people gather; none where they go to the scene.
    """

    id: UUID
    mode: Mode
    lane: Lane
    kind: str
    severity: Severity
    status: str
    plan: str
    title: dict[str, str]
    position: Position | None
    hazards: tuple[str, ...]
    professional: Professional
    awaiting: tuple[str, ...]
    opened_at: datetime
    covered_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    taken_by: str | None
    window: SentWindow | None
    radius_m: int
    musters: list[str]
    acts: list[str]
    words: list[str]
    texts: list[ResponderText]
    seats: list[SeatDetail]
    offers: list[Offer]
    assignments: list[Assignment]
    recalls: list[Recall]
    escalations: list[Escalation]
    people: dict[UUID, str]


async def incidents(
    uow: UnitOfWork,
    organisation: UUID,
    *,
    before: datetime | None = None,
    statuses: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    limit: int = 100,
) -> list[IncidentSummary]:
    """List incidents, newest first."""
    rows = await uow.pool.fetch(sql("list_incidents"), organisation, before, statuses, modes, limit)
    names = await names_of_actors(uow.pool, [row["taken_by"] for row in rows])
    return [IncidentSummary(**_named(dict(row), "taken_by", names)) for row in rows]


async def incident(uow: UnitOfWork, organisation: UUID, incident_id: UUID) -> IncidentDetail:
    """Return one incident with all its parts; raises NotFoundError."""
    async with transaction(uow.pool) as connection:
        found = (await store.read(connection, [incident_id])).get(incident_id)
        if found is None or found.organisation != organisation:
            raise unknown("incident")
        words = await connection.fetch(sql("incident_texts"), incident_id)
        texts = await connection.fetch(sql("texts_about_incident"), incident_id)
        acknowledged = [one.acknowledged_by for one in found.escalations.values()]
        actors = await names_of_actors(connection, [found.taken_by, *acknowledged])
        said = [ResponderText(**dict(row)) for row in texts]
        detail = _detail(_with_names(found, actors), [row["description"] for row in words], said)
        members = await members_of(connection, organisation, {who for who, _ in _seen(detail)})
    return _of_members(detail, members)


async def escalations(
    uow: UnitOfWork, organisation: UUID, *, only_open: bool = True, limit: int = 200
) -> list[Escalation]:
    """List escalations, those of the highest level first; `only_open` leaves out the resolved ones."""
    rows = await uow.pool.fetch(sql("list_escalations"), organisation, only_open, limit)
    names = await names_of_actors(uow.pool, [row["acknowledged_by"] for row in rows])
    return [Escalation(**_named(dict(row), "acknowledged_by", names)) for row in rows]


async def count_escalations(uow: UnitOfWork, organisation: UUID) -> int:
    """Count the open escalations of an organisation."""
    return int(await uow.pool.fetchval(sql("count_open_escalations"), organisation))


def _named(row: dict[str, Any], field: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a row in which a duty contact, whom events name by reference, has their name."""
    return row | {field: names.get(row[field], row[field])}


def _with_names(found: Incident, names: Mapping[str, str]) -> Incident:
    """Return an incident in which the duty contacts who acted have their names."""
    escalations = {
        id_: replace(one, acknowledged_by=names.get(one.acknowledged_by or "", one.acknowledged_by))
        for id_, one in found.escalations.items()
    }
    taken_by = names.get(found.taken_by or "", found.taken_by)
    return replace(found, taken_by=taken_by, escalations=escalations)


def _seen(detail: IncidentDetail) -> Iterator[Sighting]:
    parts: tuple[Offer | Assignment | Recall | ResponderText, ...]
    parts = (*detail.offers, *detail.assignments, *detail.recalls, *detail.texts)
    return ((part.volunteer_id, part.since) for part in parts)


def _of_members(detail: IncidentDetail, members: Members) -> IncidentDetail:
    """Return an incident whose parts name its people by the ids of members."""
    return dataclasses.replace(
        detail,
        offers=_named_by(members, detail.offers),
        assignments=_named_by(members, detail.assignments),
        recalls=_named_by(members, detail.recalls),
        texts=_named_by(members, detail.texts),
        people=members.names(_seen(detail)),
    )


def _named_by(members: Members, parts: Sequence[Part]) -> list[Part]:
    return [
        dataclasses.replace(part, volunteer_id=members.id(part.volunteer_id, part.since)) for part in parts
    ]


def _detail(found: Incident, words: list[str], texts: list[ResponderText]) -> IncidentDetail:
    same = (
        "id", "mode", "lane", "kind", "severity", "status", "position", "hazards", "professional", "awaiting",
        "opened_at", "covered_at", "ended_at", "taken_by", "radius_m",
    )  # fmt: skip
    return IncidentDetail(
        plan=found.plan.name,
        window=SentWindow.of(found.window),
        title={str(language): title for language, title in found.plan.title.items()},
        outcome=found.ended_as,
        acts=allowed(found) + ([] if found.ended else ["escalate"]),
        musters=[point.name for point in found.stations or found.musters],
        words=words,
        texts=texts,
        seats=[SeatDetail.of(seat) for seat in found.seats],
        offers=sorted(_views(Offer, found.offers), key=lambda offer: (offer.extended_at, offer.distance_m)),
        assignments=sorted(
            _views(Assignment, found.assignments), key=lambda assignment: assignment.assigned_at
        ),
        recalls=sorted(_views(Recall, found.recalls), key=lambda recall: recall.at),
        escalations=sorted(
            _views(Escalation, found.escalations), key=lambda escalation: escalation.raised_at
        ),
        people={},
        **{name: getattr(found, name) for name in same},
    )


def _views(kind: type[View], values: Mapping[UUID, Struct]) -> list[View]:
    """Return values as the responses contain them."""
    return [kind(**asdict(value)) for value in values.values()]
