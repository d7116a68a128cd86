"""One believable message of each type; run as a module, this writes the golden files that are missing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from schemas.base import Event, MusterPoint, Position, Window
from schemas.envelope import SOURCE
from schemas.generations import GENERATION, seats_of
from schemas.ids import derived, named
from schemas.plans import Plan, SearchPolicy, SeatNeed, Step
from schemas.reports import Professional
from schemas.topics import MODELS
from tests.support.plain_journal import Envelope, headers

GOLDEN = Path(__file__).with_name("golden")
AHEAD = Path(__file__).with_name("golden_ahead")
"""Messages as the next generation may write them, to prove that this one waits, passes on and rebuilds."""
AT = datetime(2026, 11, 22, 20, 0, 0, 250_000, tzinfo=UTC)
ORGANISATION = UUID("0194e0a1-7000-7000-8000-000000000001")
INCIDENT = UUID("0194e0a1-7000-7000-8000-000000000002")
VOLUNTEER = UUID("0194e0a1-7000-7000-8000-000000000003")
OFFER = UUID("0194e0a1-7000-7000-8000-000000000004")
PLAN = Plan(
    name="cardiac-arrest",
    title={"fr": "Arrêt cardiaque", "en": "Cardiac arrest"},
    kinds=("medical.cardiac_arrest",),
    trusted_sources=("sdis-67",),
    forbidden_hazards=("weapon", "violence"),
    seats=(SeatNeed(role="first-responder", skills=("first_aid",), count=2),),
    search=SearchPolicy(radii_m=(500, 1000, 2000)),
    steps=(Step(after_s=60, level=1, do="page"),),
)
VALUES: dict[str, Any] = {
    "acceptance": 0.4,
    "accuracy_m": 30,
    "answer": "accepted",
    "asked": (VOLUNTEER,),
    "assignment_id": derived(OFFER, "assignment"),
    "at": AT,
    "availability": "on_call",
    "awaiting": ("professional_unknown",),
    "by": "Capt. Muller",
    "cancels": "2026-4709",
    "channel": "sms",
    "commune": "67482",
    "corrects": "2026-4708",
    "detail": "2 of 2 seats are empty",
    "distance_m": 420,
    "dropped": ("description",),
    "engagement": "dispatch",
    "eta_at": AT + timedelta(seconds=240),
    "escalation_id": derived(INCIDENT, "escalation", 1),
    "should_end_at": AT + timedelta(hours=3),
    "expires_at": AT + timedelta(seconds=60),
    "found": 1,
    "hazards": ("traffic",),
    "incident_id": INCIDENT,
    "kind": "medical.cardiac_arrest",
    "lane": "urgent",
    "lapses_at": AT + timedelta(seconds=300),
    "lat": 48.5734,
    "level": 1,
    "lon": 7.7521,
    "message_id": derived(OFFER, "sms", 1),
    "mode": "actual",
    "moved": False,
    "muster": "CIS Barr",
    "musters": (MusterPoint(name="CIS Barr", position=Position(lat=48.4079, lon=7.4492)),),
    "offer_id": OFFER,
    "more": 3,
    "organisation": ORGANISATION,
    "outcome": "reserve",
    "page": True,
    "party": 2,
    "parking_id": named("parking", 1),
    "plan": PLAN.canonical,
    "plan_hash": PLAN.hash,
    "place": 3,
    "position": Position(lat=48.5734, lon=7.7521),
    "professional_status": "on_scene",
    "professional": Professional(requested=True, reference="CODIS 4711"),
    "purpose": "offer",
    "radius_m": 1000,
    "reason": "said by phone",
    "recalled": (VOLUNTEER,),
    "received_at": AT - timedelta(milliseconds=150),
    "recipient_id": VOLUNTEER,
    "recorded_at": AT - timedelta(seconds=2),
    "reply_id": derived(OFFER, "reply", 1),
    "report_id": named("report", "sdis-67", "2026-4711"),
    "reserve": True,
    "retry_at": AT + timedelta(seconds=60),
    "role": "first-responder",
    "round_id": derived(INCIDENT, "round", 1),
    "seat": 0,
    "seats": seats_of(PLAN),
    "sent_at": AT - timedelta(seconds=1),
    "severity": "life_threatening",
    "shut": {"rest": 2, "skill": 5},
    "size": 512,
    "source": "sdis-67",
    "source_id": "2026-4711",
    "source_topic": "incident.reports",
    "step": 0,
    "to": ("CODIS 67", "Mairie"),
    "subject_id": INCIDENT,
    "subject_kind": "incident",
    "turn": 1,
    "until": AT + timedelta(seconds=60),
    "updates": "2026-4710",
    "volunteer_id": VOLUNTEER,
    "wanted": 3,
    "zone": "Europe/Paris",
    "window": Window(starts_at=AT, ends_at=AT + timedelta(hours=2)),
}
MAPPINGS = {"shut", "title"}
"""Objects whose names are data, not fields."""
ELSEWHERE: dict[str, dict[str, Any]] = {
    "incident.closed.v2": {"outcome": "false_alarm"},
    "assignment.released.v1": {"reason": "stood_down"},
    "incident.step_skipped.v1": {"reason": "widest"},
    "offer.withdrawn.v1": {"reason": "covered"},
    "report.received.v2": {"channel": "http", "place_id": named("place", 1)},
    "reply.received.v2": {"reason": "at_work"},
}
KEYS = {
    "incident.reports": "sdis-67:2026-4711",
    "notification.events": str(VOLUNTEER),
    "parking": "incident.reports",
    "volunteer.positions": str(VOLUNTEER),
    "volunteer.updates": str(VOLUNTEER),
}


def example(model: type[Event]) -> Event:
    """Make an event of a type, every field filled."""
    values = {**VALUES, **ELSEWHERE.get(model.type, {})}
    return model(**{name: values[name] for name in model.model_fields})


def message(event: Event) -> dict[str, Any]:
    """Write an event as the message that carries it."""
    key = KEYS.get(event.topic, str(INCIDENT))
    received, recorded = AT - timedelta(milliseconds=150), AT + timedelta(milliseconds=5)
    envelope = Envelope(
        derived(INCIDENT, event.type),
        event.type,
        SOURCE,
        key,
        ORGANISATION,
        "actual",
        7,
        AT,
        received,
        recorded,
    )
    return {
        "topic": event.topic,
        "key": key,
        "headers": {name: value.decode() for name, value in headers(envelope)},
        "body": json.loads(event.model_dump_json()),
    }


def write_missing() -> None:
    """Add golden files; those that exist are never changed."""
    for model in MODELS.values():
        path = GOLDEN / f"{model.type}.json"
        if not path.exists():
            path.write_text(json.dumps(message(example(model)), indent=2, ensure_ascii=False) + "\n", "utf-8")


def ahead(event: Event) -> dict[str, Any]:
    """Write an event as the next generation might: with fields, and with one member, that are not known yet.

    `body` can be read by this version; `unreadable` is what replaces fields of it so that it cannot.
    """
    content = message(event)
    content["headers"]["ce_generation"] = str(GENERATION + 1)
    content["body"] = _with_novelties(content["body"])
    enumerated = [name for name, field in type(event).model_fields.items() if _has_members(field.annotation)]
    content["unreadable"] = {enumerated[0]: "a_new_member"} if enumerated else {"at": {"moment": "now"}}
    return content


def _with_novelties(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        known = {name: inner if name in MAPPINGS else _with_novelties(inner) for name, inner in value.items()}
        return known | {"novelty": [1, {"a": None}]}
    return [_with_novelties(inner) for inner in value] if isinstance(value, list) else value


def _has_members(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return get_origin(annotation) is Literal or any(_has_members(part) for part in get_args(annotation))


def write_ahead() -> None:
    """Write the golden files one generation ahead anew."""
    AHEAD.mkdir(exist_ok=True)
    for path in AHEAD.glob("*.json"):
        path.unlink()
    for model in MODELS.values():
        path = AHEAD / f"{model.type}.json"
        path.write_text(json.dumps(ahead(example(model)), indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    write_missing()
    write_ahead()
