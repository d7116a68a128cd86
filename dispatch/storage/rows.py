"""An incident as rows, and rows as an incident: the one place that knows both."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.domain.agenda import agenda
from dispatch.domain.incident import Assignment, Escalation, Incident, Offer, Recall, Seat
from schemas.base import SEVERITY_RANK, Mode, Position
from schemas.plans import Plan
from schemas.reports import Professional

Row = tuple[Any, ...]


def incident_row(i: Incident) -> Row:
    """Lay an incident out as `write_incidents` takes it."""
    lat, lon = (i.position.lat, i.position.lon) if i.position else (None, None)
    return (
        i.id, i.organisation, i.mode, i.lane, i.report_id, i.kind, i.severity, i.status, i.plan_hash,
        lat, lon, ",".join(i.hazards), i.professional.requested, i.professional.reference,
        ",".join(i.awaiting), i.seq, i.opened_at, i.last_at, i.armed_at, i.steps_done, i.last_step_at,
        i.ring, i.widened_at, i.retry_at, i.covered_at, i.ended_at, i.taken_by, i.engagement,
    )  # fmt: skip


def seat_rows(i: Incident) -> list[Row]:
    """Lay out its seats."""
    return [
        (i.id, s.number, s.role, next(iter(s.all_skills), ""), ",".join(s.all_skills), ",".join(s.any_skills),
         s.min_age, s.reserve, s.assignment_id)
        for s in i.seats
    ]  # fmt: skip


def offer_rows(i: Incident) -> list[Row]:
    """Lay out its offers."""
    return [
        (i.id, i.lane, o.id, o.volunteer_id, o.role, o.status, o.extended_at, o.expires_at, o.distance_m,
         o.round_id, o.settled_at, o.late)
        for o in i.offers.values()
    ]  # fmt: skip


def assignment_rows(i: Incident) -> list[Row]:
    """Lay out its assignments."""
    return [
        (i.id, i.lane, a.id, a.offer_id, a.volunteer_id, a.seat, a.status, a.assigned_at, a.en_route_at,
         a.on_scene_at, a.released_at, a.reason)
        for a in i.assignments.values()
    ]  # fmt: skip


def recall_rows(i: Incident) -> list[Row]:
    """Lay out whom it recalled."""
    return [(i.id, r.volunteer_id, r.kind, r.at, r.acknowledged_at) for r in i.recalls.values()]


def escalation_rows(organisation: UUID, mode: Mode, escalations: Iterable[Escalation]) -> list[Row]:
    """Lay out the escalations of one subject."""
    return [
        (organisation, mode, e.id, e.subject_kind, e.subject_id, e.reason, e.detail, e.level, e.page, e.turn,
         e.status, e.raised_at, e.told_at, e.acknowledged_by, e.lapses_at)
        for e in escalations
    ]  # fmt: skip


def agenda_rows(i: Incident) -> list[Row]:
    """Lay out what is due for it, as `write_agenda` takes it."""
    rank = SEVERITY_RANK[i.severity]
    return [(i.id, kind, "incident", i.organisation, rank, at) for kind, at in sorted(agenda(i).items())]


def incident_from(row: asyncpg.Record, plan: Plan, children: "Children") -> Incident:
    """Read an incident back from its row and the rows that hang on it."""
    name = row["id"]
    place = None if row["lat"] is None else Position(lat=row["lat"], lon=row["lon"])
    same = ("organisation", "mode", "lane", "report_id", "kind", "severity", "status", "plan_hash", "seq",
            "opened_at", "last_at", "armed_at", "steps_done", "last_step_at", "ring", "widened_at",
            "retry_at", "covered_at", "ended_at", "taken_by", "engagement")  # fmt: skip
    return Incident(
        id=name,
        plan=plan,
        position=place,
        hazards=tuple(row["hazards"]),
        professional=Professional(requested=row["requested"], reference=row["reference"]),
        awaiting=tuple(row["awaiting"]),
        seats=tuple(children.seats[name]),
        offers={offer.id: offer for offer in children.offers[name]},
        assignments={assignment.id: assignment for assignment in children.assignments[name]},
        recalls={recall.volunteer_id: recall for recall in children.recalls[name]},
        escalations={escalation.id: escalation for escalation in children.escalations[name]},
        **{column: row[column] for column in same},
    )


class Children:
    """What hangs on incidents, by incident."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seats: dict[UUID, list[Seat]] = defaultdict(list)
        self.offers: dict[UUID, list[Offer]] = defaultdict(list)
        self.assignments: dict[UUID, list[Assignment]] = defaultdict(list)
        self.recalls: dict[UUID, list[Recall]] = defaultdict(list)
        self.escalations: dict[UUID, list[Escalation]] = defaultdict(list)

    def add(self, into: dict[UUID, list[Any]], kind: type, rows: Sequence[asyncpg.Record]) -> None:
        """Read rows whose first column names the subject and whose others are the value's fields by name."""
        for row in rows:
            fields = dict(row)
            if kind is not Escalation:
                del fields["incident_id"]
            if kind is Seat:
                fields |= {name: tuple(fields[name]) for name in ("all_skills", "any_skills")}
            into[row[0]].append(kind(**fields))
