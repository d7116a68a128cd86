"""What supervisors read: incidents in short and in whole, and why each volunteer was or was not asked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.domain.incident import Assignment, Escalation, Incident, Offer, Recall, Seat
from dispatch.domain.matching.selection import readable
from dispatch.domain.supervision import allowed
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage import incidents as store
from dispatch.storage import journal
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from schemas.base import Event, Lane, Mode, Position, Severity
from schemas.decoding import revive
from schemas.incidents import IncidentOpened
from schemas.reports import Professional

UNSAID = {"at", "incident_id", "organisation", "mode", "plan", "report_id"}
"""Fields of events that are said elsewhere, or the same in each."""


@dataclass(frozen=True, slots=True)
class Summary:
    """An incident in one line."""

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
    taken_by: str | None
    needed: int
    filled: int
    open_offers: int
    open_escalations: int


@dataclass(frozen=True, slots=True)
class Whole:
    """An incident with everything that hangs on it; `acts` are the commands that its status allows now."""

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
    taken_by: str | None
    radius_m: int
    acts: list[str]
    words: list[str]
    seats: list[Seat]
    offers: list[Offer]
    assignments: list[Assignment]
    recalls: list[Recall]
    escalations: list[Escalation]
    people: dict[UUID, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to an incident, or a round of the search for volunteers."""

    at: datetime
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened, in order, and the names of those whom it names."""

    incident_id: UUID
    moments: list[Moment]
    people: dict[UUID, str]


async def incidents(
    uow: UnitOfWork,
    organisation: UUID,
    *,
    before: datetime | None = None,
    statuses: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    limit: int = 100,
) -> list[Summary]:
    """List incidents, newest first."""
    rows = await uow.pool.fetch(sql("list_incidents"), organisation, before, statuses, modes, limit)
    return [Summary(**dict(row)) for row in rows]


async def incident(uow: UnitOfWork, organisation: UUID, incident_id: UUID) -> Whole:
    """Read one incident in whole."""
    async with transaction(uow.pool) as connection:
        found = (await store.read(connection, [incident_id])).get(incident_id)
        if found is None or found.organisation != organisation:
            raise NotFoundError("there is no such incident")
        words = await connection.fetch(sql("incident_words"), incident_id)
        names = await _names(connection, {offer.volunteer_id for offer in found.offers.values()})
    return _whole(found, [row["description"] for row in words], names)


async def timeline(uow: UnitOfWork, organisation: UUID, incident_id: UUID) -> Timeline:
    """Tell what happened, with the reason for each pick and non-pick."""
    async with transaction(uow.pool) as connection:
        if not await connection.fetchval(sql("incident_is_of"), incident_id, organisation):
            raise NotFoundError("there is no such incident")
        events = await journal.read_rows(connection, [incident_id])
        rounds = await connection.fetch(sql("read_rounds"), incident_id)
        moments = sorted([*map(_event, events), *map(_round, rounds)], key=_place)
        names = await _names(connection, _named(moments))
    return Timeline(incident_id, moments, names)


async def escalations(
    uow: UnitOfWork, organisation: UUID, *, only_open: bool = True, limit: int = 200
) -> list[Escalation]:
    """List what supervisors have to see to, or had."""
    rows = await uow.pool.fetch(sql("list_escalations"), organisation, only_open, limit)
    return [Escalation(**dict(row)) for row in rows]


async def next_due(uow: UnitOfWork, organisation: UUID) -> dict[UUID, tuple[str, datetime]]:
    """Return the next entry on the agenda of each running incident: its kind, and when it is due."""
    rows = await uow.pool.fetch(sql("due_next"), organisation)
    return {row["subject"]: (row["kind"], row["due_at"]) for row in rows}


def _whole(found: Incident, words: list[str], people: dict[UUID, str]) -> Whole:
    same = (
        "id", "mode", "lane", "kind", "severity", "status", "position", "hazards", "professional", "awaiting",
        "opened_at", "covered_at", "ended_at", "taken_by", "radius_m",
    )  # fmt: skip
    return Whole(
        plan=found.plan.name,
        title={str(language): title for language, title in found.plan.title.items()},
        acts=allowed(found) + ([] if found.ended else ["escalate"]),
        words=words,
        seats=list(found.seats),
        offers=sorted(found.offers.values(), key=lambda offer: (offer.extended_at, offer.distance_m)),
        assignments=sorted(found.assignments.values(), key=lambda assignment: assignment.assigned_at),
        recalls=sorted(found.recalls.values(), key=lambda recall: recall.volunteer_id),
        escalations=sorted(found.escalations.values(), key=lambda escalation: escalation.raised_at),
        people=people,
        **{name: getattr(found, name) for name in same},
    )


def _event(row: asyncpg.Record) -> Moment:
    """Tell an event; one whose bytes were changed keeps its place, and hides nothing of the others."""
    try:
        return _moment(revive(row["type"], row["body"]))
    except (ValueError, LookupError):
        return Moment(row["recorded_at"], _what(row["type"]), {"unreadable": True, "seq": row["seq"]})


def _moment(event: Event) -> Moment:
    detail = event.model_dump(mode="json", exclude=UNSAID)
    if isinstance(event, IncidentOpened):
        detail["plan"] = event.plan["name"]
    return Moment(event.at, _what(event.type), detail)


def _what(type_: str) -> str:
    return type_.rpartition(".v")[0]


def _round(row: asyncpg.Record) -> Moment:
    """Lay a round out; the gates that are nobody's business read "not eligible"."""
    picked = [
        {"volunteer_id": who, "role": role, "distance_m": metres, "why": "nearest who may be asked"}
        for who, role, metres in row["picked"]
    ]
    passed_over = [
        {"volunteer_id": who, "distance_m": metres, "why": readable(gates)}
        for who, metres, gates in row["passed_over"]
    ]
    return Moment(
        row["at"],
        "search.round",
        {
            "round_id": str(row["id"]),
            "radius_m": row["radius_m"],
            "wanted": row["wanted"],
            "picked": picked,
            "passed_over": passed_over,
            "others": f"farther than {row['radius_m']} m, or behind those listed",
        },
    )


def _place(moment: Moment) -> tuple[datetime, int]:
    """Put a round between what led to it and the offers that came of it."""
    ranks = {"incident.opened": 0, "search.round": 2}
    follows = moment.what.startswith("offer.") or moment.what in ("incident.shortfall", "incident.widened")
    return moment.at, ranks.get(moment.what, 3 if follows else 1)


def _named(moments: Iterable[Moment]) -> set[UUID]:
    found = set()
    for moment in moments:
        entries = [moment.detail, *moment.detail.get("picked", ()), *moment.detail.get("passed_over", ())]
        found |= {UUID(entry["volunteer_id"]) for entry in entries if "volunteer_id" in entry}
        found |= {UUID(who) for who in moment.detail.get("recalled", ())}
    return found


async def _names(connection: asyncpg.Connection, people: set[UUID]) -> dict[UUID, str]:
    rows = await connection.fetch(sql("names_of"), sorted(people))
    return {row["volunteer_id"]: row["name"] for row in rows}
