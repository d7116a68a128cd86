"""The projections of the journal, and the conversion of an incident to and from their rows.

A field of a value is a column of its table: a new field needs a migration and nothing here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import asyncpg

from dispatch.domain.agenda import agenda
from dispatch.domain.incident import Assignment, Escalation, Incident, Offer, Recall, Seat
from dispatch.storage.queries import fill
from dispatch.storage.table import Claim, Row, Table, columns_of
from schemas.base import SEVERITY_RANK, MusterPoint, Position, Window
from schemas.plans import Plan
from schemas.reports import Professional

_ELSEWHERE = (
    "plan", "position", "professional", "window", "musters", "seats", "live", "waiting", "settled", "assignments",
    "recalls", "escalations",
)  # fmt: skip
"""Fields of an incident that are no column of its own: they are taken apart, or are rows of other tables."""
_PLAIN = columns_of(Incident, without=_ELSEWHERE)
_COUNTED = {"counted_seq": "int"}
"""The event after which `offers_made` was counted: another value shows the database that an older process wrote."""
_OF_INCIDENT = {"incident_id": "uuid"}
_IN_LANE = {"incident_id": "uuid", "lane": "text"}

INCIDENTS = Table(
    "incidents",
    {
        **_PLAIN,
        **_COUNTED,
        "lat": "float8",
        "lon": "float8",
        "requested": "bool",
        "reference": "text",
        "starts_at": "timestamptz",
        "ends_at": "timestamptz",
        "musters": "jsonb",
    },
    key=("id",),
    subject="id",
    order=("id",),
)
SEATS = Table(
    "seats",
    {**_OF_INCIDENT, "skill": "text"} | columns_of(Seat),
    key=("incident_id", "number"),
    subject="incident_id",
    order=("number",),
    claims=(Claim("seats_one_per_assignment", ("assignment_id",), "assignment_id", frozenset({None})),),
    kind=Seat,
)
OFFERS = Table(
    "offers",
    _IN_LANE | columns_of(Offer),
    key=("id",),
    subject="incident_id",
    order=("extended_at", "id"),
    claims=(
        Claim(
            "offers_one_live",
            ("volunteer_id", "lane"),
            "status",
            frozenset({"accepted", "declined", "expired", "withdrawn", "waitlisted"}),
        ),
    ),
    kind=Offer,
)
ASSIGNMENTS = Table(
    "assignments",
    _IN_LANE | columns_of(Assignment),
    key=("id",),
    subject="incident_id",
    order=("assigned_at", "id"),
    claims=(
        Claim("assignments_one_per_seat", ("incident_id", "seat"), "status", frozenset({"released"})),
        Claim("assignments_one_per_volunteer", ("volunteer_id", "lane"), "status", frozenset({"released"})),
    ),
    kind=Assignment,
)
RECALLS = Table(
    "recalls",
    _OF_INCIDENT | columns_of(Recall),
    key=("incident_id", "volunteer_id"),
    subject="incident_id",
    order=("volunteer_id",),
    kind=Recall,
)
ESCALATIONS = Table(
    "escalations",
    {"organisation": "uuid", "mode": "text"} | columns_of(Escalation),
    key=("id",),
    subject="subject_id",
    order=("raised_at", "id"),
    claims=(
        Claim(
            "escalations_one_open",
            ("subject_id", "reason"),
            "status",
            frozenset({"resolved", "handed_over"}),
        ),
    ),
    kind=Escalation,
)
AGENDA = Table(
    "agenda",
    {
        "subject": "uuid",
        "kind": "text",
        "subject_kind": "text",
        "organisation": "uuid",
        "severity": "smallint",
        "due_at": "timestamptz",
    },
    key=("subject", "kind"),
    subject="subject",
    order=("kind",),
)
PLANS = Table(
    "plans",
    {"hash": "text", "name": "text", "body": "jsonb", "first_used": "timestamptz", "generation": "int"},
    key=("hash",),
    subject="hash",
    order=("hash",),
    immutable=True,
)
"""The plans that are used: no projection, though each is in the event that opened an incident with it."""
PROJECTIONS = (INCIDENTS, SEATS, OFFERS, ASSIGNMENTS, RECALLS, ESCALATIONS, AGENDA)
"""In the order in which they are written."""
Rows = dict[Table, list[Row]]
Values = Mapping[Table, Collection[Any]]
"""What belongs to an incident, by table; owners of a value never change."""

UNSETTLED = ("extended", "waitlisted")
"""The statuses of offers that wait for an answer or for a seat."""
_plain = attrgetter(*_PLAIN)


async def lock_projections(connection: asyncpg.Connection) -> None:
    """Block every writer of the projections until the transaction ends; readers are not blocked."""
    tables = ", ".join(table.name for table in PROJECTIONS)
    await connection.execute(fill("lock_projections", tables=tables))


def rows_of(incident: Incident) -> Rows:
    """Return the rows of an incident and of all that belongs to it."""
    return _laid_out(incident, _values_of(incident))


def rows_between(before: Incident, after: Incident) -> tuple[Rows, Rows]:
    """Return the rows of an incident before and after a decision, without values that are the same objects in both."""
    old, new = _values_of(before), _values_of(after)
    return _laid_out(before, _without_shared(old, new)), _laid_out(after, _without_shared(new, old))


def _values_of(incident: Incident) -> Values:
    return {
        SEATS: incident.seats,
        OFFERS: (*incident.settled.values(), *incident.waiting.values(), *incident.live.values()),
        ASSIGNMENTS: incident.assignments.values(),
        RECALLS: incident.recalls.values(),
        ESCALATIONS: incident.escalations.values(),
    }


def _without_shared(values: Values, others: Values) -> Values:
    return {table: _unshared(found, others[table]) for table, found in values.items()}


def _unshared(values: Collection[object], others: Iterable[object]) -> Collection[object]:
    if not values:
        return values
    shared = set(map(id, others))
    return [value for value in values if id(value) not in shared]


def _laid_out(incident: Incident, values: Values) -> Rows:
    owner, in_lane = (incident.id,), (incident.id, incident.lane)
    return {
        INCIDENTS: [_incident_row(incident)],
        SEATS: [row for seat in values[SEATS] for row in SEATS.rows((*owner, _skill(seat)), [seat])],
        OFFERS: OFFERS.rows(in_lane, values[OFFERS]),
        ASSIGNMENTS: ASSIGNMENTS.rows(in_lane, values[ASSIGNMENTS]),
        RECALLS: RECALLS.rows(owner, values[RECALLS]),
        ESCALATIONS: ESCALATIONS.rows((incident.organisation, incident.mode), values[ESCALATIONS]),
        AGENDA: _agenda_rows(incident),
    }


def _incident_row(incident: Incident) -> Row:
    place, professional = incident.position, incident.professional
    lat, lon = (place.lat, place.lon) if place else (None, None)
    starts_at, ends_at = (window.starts_at, window.ends_at) if (window := incident.window) else (None, None)
    # An object: Postgres would take a list in a list for an array of two dimensions.
    musters = {"points": [one.model_dump() for one in incident.musters]} if incident.musters else None
    row = (
        *_plain(incident), incident.seq, lat, lon, professional.requested, professional.reference, starts_at, ends_at,
        musters,
    )  # fmt: skip
    return INCIDENTS.packed(row)


def _skill(seat: Seat) -> str:
    """Return the one skill that processes of the previous release read of a seat."""
    return next(iter(seat.all_skills), "")


def _agenda_rows(incident: Incident) -> list[Row]:
    rank = SEVERITY_RANK[incident.severity]
    return [
        (incident.id, kind, "incident", incident.organisation, rank, due_at)
        for kind, due_at in agenda(incident).items()
    ]


def incident_from(record: asyncpg.Record, plan: Plan, children: Mapping[Table, Sequence[Any]]) -> Incident:
    """Return the incident of a row and of the values of the rows that belong to it."""
    row = dict(zip(INCIDENTS.columns, INCIDENTS.unpacked(record), strict=True))
    lat, lon = row.pop("lat"), row.pop("lon")
    starts_at, ends_at = row.pop("starts_at"), row.pop("ends_at")
    del row["counted_seq"]
    professional = Professional(requested=row.pop("requested"), reference=row.pop("reference"))
    points = (row.pop("musters") or {}).get("points", ())
    return Incident(
        **row,
        plan=plan,
        position=None if lat is None else Position(lat=lat, lon=lon),
        professional=professional,
        window=None if starts_at is None else Window(starts_at=starts_at, ends_at=ends_at),
        musters=tuple(map(MusterPoint.model_validate, points)),
        seats=tuple(children[SEATS]),
        live={offer.id: offer for offer in children[OFFERS] if offer.status == "extended"},
        waiting={offer.id: offer for offer in children[OFFERS] if offer.status == "waitlisted"},
        settled={offer.id: offer for offer in children[OFFERS] if offer.status not in UNSETTLED},
        assignments={assignment.id: assignment for assignment in children[ASSIGNMENTS]},
        recalls={recall.volunteer_id: recall for recall in children[RECALLS]},
        escalations={escalation.id: escalation for escalation in children[ESCALATIONS]},
    )
