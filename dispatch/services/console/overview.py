"""The overview of a night: incidents that need a human first, with what each lacks, who comes and what is next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec.structs import asdict

from dispatch.domain.incident import Incident
from dispatch.domain.places.whereabouts import place_in_words
from dispatch.domain.supervising.outlook import Next, lacking, next_step, responders
from dispatch.services.access import organisations
from dispatch.services.access.duty_contacts import names_of_actors
from dispatch.services.access.organisations import Organisation
from dispatch.services.console.views import Escalation
from dispatch.services.core.short_ids import unknown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.members import Members, members_of
from dispatch.storage import incidents as store
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from schemas.base import Engagement, Mode, Position, Severity, Window
from schemas.ids import short
from schemas.volunteers import Language

ACTUAL: tuple[Mode, ...] = ("actual",)
APART: tuple[Mode, ...] = ("exercise", "test", "draft")
Attention = Literal["recall", "page", "lacking", "to_read", "none"]
ATTENTION: tuple[Attention, ...] = ("recall", "page", "lacking", "to_read", "none")
LANGUAGES: tuple[Language, ...] = ("fr", "en")


@dataclass(frozen=True, slots=True)
class ComingView:
    """Somebody who is there or comes; `late` in reserve, since they arrive too late for the plan."""

    name: str
    role: str
    status: str
    eta_at: datetime | None
    late: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class IncidentOutlook:
    """An incident at a glance; `unseen` are those who have not acknowledged a recall."""

    id: UUID
    code: str
    attention: Attention
    mode: Mode
    kind: str
    title: dict[str, str]
    severity: Severity
    status: str
    engagement: Engagement
    position: Position | None
    place: dict[str, str]
    radius_m: int
    opened_at: datetime
    window: Window | None
    awaiting: tuple[str, ...]
    taken_by: str | None
    needed: int
    lacking: dict[str, int]
    asked: int
    coming: tuple[ComingView, ...]
    recalled: int
    unseen: tuple[str, ...]
    escalations: tuple[Escalation, ...]
    next: Next | None


@dataclass(frozen=True, slots=True)
class Watched:
    """Incidents, the gravest first, and how many there are in all, need a human now, and lack people."""

    incidents: tuple[IncidentOutlook, ...]
    total: int
    waiting: int
    lacking: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The situation of an organisation at one time; `apart` are exercises, tests and drafts."""

    at: datetime
    organisation: str
    zone: str
    paused_at: datetime | None
    on_duty: int
    actual: Watched
    apart: Watched
    escalations: tuple[Escalation, ...]


async def overview(uow: UnitOfWork, organisation: UUID, *, most: int) -> Overview:
    """Return the overview with at most so many incidents, and as many exercises, tests and drafts."""
    owner = await organisations.get(uow, organisation)
    async with transaction(uow.pool) as connection:
        actual = await _watched(connection, owner, ACTUAL, most)
        apart = await _watched(connection, owner, APART, most)
        others = await _others(connection, organisation)
    now = uow.clock.now()
    return Overview(now, owner.name, owner.zone, owner.paused_at, owner.duty, actual, apart, others)


async def outlook(uow: UnitOfWork, owner: Organisation, incident_id: UUID) -> IncidentOutlook:
    """Return one incident at a glance; raises NotFoundError."""
    async with transaction(uow.pool) as connection:
        found = await _outlooks(connection, owner, {incident_id: "none"})
    if not found:
        raise unknown("incident")
    return found[0]


async def _others(connection: asyncpg.Connection, organisation: UUID) -> tuple[Escalation, ...]:
    rows = await connection.fetch(sql("escalations_without_incident"), organisation)
    names = await names_of_actors(connection, [row["acknowledged_by"] for row in rows])
    return tuple(_named(Escalation(**dict(row)), names) for row in rows)


async def _watched(
    connection: asyncpg.Connection, owner: Organisation, modes: Sequence[Mode], most: int
) -> Watched:
    rows = await connection.fetch(sql("gravest_incidents"), owner.id, modes, most)
    if not rows:
        return Watched((), 0, 0, 0)
    laid = await _outlooks(connection, owner, {row["id"]: ATTENTION[row["attention"]] for row in rows})
    return Watched(tuple(laid), rows[0]["total"], rows[0]["waiting"], rows[0]["lacking"])


async def _outlooks(
    connection: asyncpg.Connection, owner: Organisation, wanted: Mapping[UUID, Attention]
) -> list[IncidentOutlook]:
    """Return incidents of an organisation at a glance, in their order, without those that are not there."""
    read = await store.read_unsettled(connection, wanted)
    found = {id_: one for id_, one in read.items() if one.organisation == owner.id}
    people = {who for one in found.values() for who in _people(one)}
    members = await members_of(connection, owner.id, people)
    actors = await names_of_actors(connection, [by for one in found.values() for by in _actors(one)])
    known = Names(members, actors)
    return [
        _outlook(found[id_], attention, owner, known) for id_, attention in wanted.items() if id_ in found
    ]


def _people(incident: Incident) -> dict[UUID, datetime]:
    """Return those who come or have not acknowledged a recall, and when they became involved."""
    recalled = {one.volunteer_id: one.at for one in incident.unseen()}
    return recalled | {one.volunteer_id: one.assigned_at for one in incident.active()}


def _actors(incident: Incident) -> list[str | None]:
    return [incident.taken_by, *(one.acknowledged_by for one in incident.escalations.values())]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of volunteers, and of duty contacts by reference."""

    members: Members
    actors: Mapping[str, str]

    def people(self, incident: Incident) -> dict[UUID, str]:
        """Return the names of an incident's people by pseudonym, the start of the member's id of one who was erased."""
        seen = _people(incident)
        ids = {who: self.members.id(who, at) for who, at in seen.items()}
        names = self.members.names(seen.items())
        return {who: names.get(id_, short(id_)) for who, id_ in ids.items()}


def _outlook(incident: Incident, attention: Attention, owner: Organisation, names: Names) -> IncidentOutlook:
    same = (
        "id", "mode", "kind", "severity", "status", "engagement", "position", "radius_m", "opened_at", "window",
        "awaiting",
    )  # fmt: skip
    people = names.people(incident)
    return IncidentOutlook(
        code=short(incident.id),
        attention=attention,
        title={str(language): title for language, title in incident.plan.title.items()},
        place={language: place_in_words(incident.position, owner.area, language) for language in LANGUAGES},
        taken_by=names.actors.get(incident.taken_by or "", incident.taken_by),
        needed=incident.needed().total(),
        lacking={} if incident.ended else lacking(incident),
        asked=len(incident.live_offers()),
        coming=_coming(incident, people),
        recalled=len(incident.recalls),
        unseen=tuple(people[one.volunteer_id] for one in incident.unseen()),
        escalations=_escalations(incident, names.actors),
        next=next_step(incident),
        **{name: getattr(incident, name) for name in same},
    )


def _coming(incident: Incident, people: Mapping[UUID, str]) -> tuple[ComingView, ...]:
    return tuple(
        ComingView(people[one.volunteer_id], one.role, one.status, one.eta_at, one.late, one.doubtful)
        for one in responders(incident)
    )


def _escalations(incident: Incident, actors: Mapping[str, str]) -> tuple[Escalation, ...]:
    """Return the open escalations: those that nobody has seen first, then by level."""
    found = sorted(incident.open_escalations(), key=lambda e: (e.status != "raised", -e.level, e.raised_at))
    return tuple(_named(Escalation(**asdict(one)), actors) for one in found)


def _named(one: Escalation, names: Mapping[str, str]) -> Escalation:
    return replace(one, acknowledged_by=names.get(one.acknowledged_by or "", one.acknowledged_by))
