"""Generations of the wire: how older events are read, and how events are written for older readers.

A generation is a number that every event carries in `ce_generation`. It is raised when a field, a member of an
enumeration or a type is added:
1: release 0.1.0, which wrote no `ce_generation`.
2: `incident.opened.v2`, `report.received.v2`, `reply.received.v2`, `incident.taken_over.v2`,
`escalation.acknowledged.v2`, `incident.closed.v2`, `incident.widened.v2`, `offer.extended.v2`; what a plan says beyond
release 0.1.0 (`schemas/plans/stored.py`); the purposes `started`, `doubted`, `waitlisted`, `overdue`, `reseated` and
`escalation_status` of a message; and, not written while a process of generation 1 runs:
- `assignment.doubted.v1`, `assignment.doubt_cleared.v1`, `assignment.arrival_expected.v1`,
  `assignment.reminded.v1`
- `offer.waitlisted.v1`
- `incident.step_skipped.v1`, `incident.asked_more.v1`, `incident.referred.v1`: written as `incident.step_done.v1`
- `incident.rescheduled.v1`
- `incident.overdue.v1`, `incident.end_moved.v1`, the answer `not_yet`, `assignment.reseated.v1`
- `incident.seats_added.v1`
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from schemas.base import Event, to_json
from schemas.incidents import OpenedSeat
from schemas.plans import Plan, read_plan
from schemas.plans.stored import for_v1, without

GENERATION = 2
"""The generation that this version reads and, where no older process runs, writes."""
OLDEST = 1
ENDS_SINCE = 2
"""The first generation that has the events of a mission's end."""

Body = dict[str, Any]


def seats_of(plan: Plan) -> tuple[OpenedSeat, ...]:
    """Return the seats of a plan, then the reserve: the surplus is of the role of which most people are required."""
    needs = [(need, need.need == "welcome") for need in plan.seats for _ in range(need.count)]
    if required := [need for need in plan.seats if need.need == "required"]:
        most = max(required, key=lambda need: need.count)
        needs += [(most, True)] * plan.offers.surplus
    return tuple(
        OpenedSeat(
            number=number,
            role=need.role,
            all=need.skills,
            any=need.any,
            min_age=plan.search.min_age if need.min_age is None else need.min_age,
            reserve=reserve,
        )
        for number, (need, reserve) in enumerate(needs, 1)
    )


def _opened_from_v1(body: Body) -> Body:
    """Derive engagement and seats from the plan, which version 1 carried with its defaults; its hash is unchanged."""
    if not isinstance(body.get("plan"), dict):
        return body
    plan = read_plan(body["plan"])
    seats = [seat.model_dump(mode="json") for seat in seats_of(plan)]
    return {**body, "engagement": plan.engagement, "seats": seats}


def _opened_for_v1(body: Body) -> Body:
    plan = read_plan(body["plan"])
    return {**without(body, _OPENED_IN_V2), "plan": for_v1(plan.model_dump(mode="json"))}


def _same(body: Body) -> Body:
    return body


_OPENED_IN_V2 = frozenset(
    {
        "engagement",
        "seats",
        "window",
        "zone",
        "acceptance",
        "accuracy_m",
        "commune",
        "muster",
        "musters",
        "should_end_at",
    }
)
_REPORT_IN_V2 = frozenset(
    {"window", "cancels", "professional_status", "corrects", "accuracy_m", "place_id", "dropped"}
)
_MUSTER_IN_V2 = frozenset({"muster"})
_ACT_IN_V2 = frozenset({"channel"})
_STEP_IN_V2 = frozenset({"reason", "more", "to"})
_REPLY_IN_V2 = frozenset({"eta_at", "party", "reason", "by", "sent_at"})

_MESSAGE_ENDS = ("queued", "sent", "delivered", "failed", "skipped")
_PURPOSES_IN_V2 = {
    "started": "stopped",
    "doubted": "offer",
    "escalation_status": "escalation",
    "waitlisted": "late",
    "overdue": "assigned",
    "reminder": "assigned",
    "moved": "offer",
    "reseated": "assigned",
}
"""The purposes of messages that generation 1 does not know, each with one on the same occasion that it does."""


def _message_for_v1(body: Body) -> Body:
    return {**body, "purpose": _PURPOSES_IN_V2.get(body["purpose"], body["purpose"])}


Rewrite = Callable[[Body], Body]
UPCASTS: Mapping[str, tuple[str, Rewrite]] = {
    "incident.opened.v1": ("incident.opened.v2", _opened_from_v1),
    "report.received.v1": ("report.received.v2", _same),
    "reply.received.v1": ("reply.received.v2", _same),
    "incident.taken_over.v1": ("incident.taken_over.v2", _same),
    "escalation.acknowledged.v1": ("escalation.acknowledged.v2", _same),
    "incident.closed.v1": ("incident.closed.v2", _same),
    "incident.widened.v1": ("incident.widened.v2", _same),
    "offer.extended.v1": ("offer.extended.v2", _same),
}
"""For each old type, the type that replaced it and how its body is rewritten."""
DOWNCASTS: Mapping[int, Mapping[str, tuple[str, Rewrite]]] = {
    1: {
        "incident.opened.v2": ("incident.opened.v1", _opened_for_v1),
        "report.received.v2": ("report.received.v1", lambda body: without(body, _REPORT_IN_V2)),
        "reply.received.v2": ("reply.received.v1", lambda body: without(body, _REPLY_IN_V2)),
        **{f"message.{end}.v1": (f"message.{end}.v1", _message_for_v1) for end in _MESSAGE_ENDS},
        **{
            f"incident.{done}.v1": ("incident.step_done.v1", lambda body: without(body, _STEP_IN_V2))
            for done in ("step_skipped", "asked_more", "referred")
        },
        "incident.taken_over.v2": ("incident.taken_over.v1", lambda body: without(body, _ACT_IN_V2)),
        "escalation.acknowledged.v2": ("escalation.acknowledged.v1", lambda body: without(body, _ACT_IN_V2)),
        # The outcome stays: readers of generation 1 ignore it, and the tables are rebuilt from what is written.
        "incident.closed.v2": ("incident.closed.v1", _same),
        "incident.widened.v2": ("incident.widened.v1", lambda body: without(body, _MUSTER_IN_V2)),
        "offer.extended.v2": ("offer.extended.v1", lambda body: without(body, _MUSTER_IN_V2)),
    },
}
"""For each older generation, how the types that it does not know are written for its readers."""


def upcast(type_: str, body: bytes) -> tuple[str, bytes]:
    """Rewrite the body of an old type as its newest version; one that cannot be rewritten is returned unchanged."""
    while type_ in UPCASTS:
        type_, rewrite = UPCASTS[type_]
        if rewrite is not _same:
            body = _rewritten(body, rewrite)
    return type_, body


def encode(event: Event, generation: int = GENERATION) -> tuple[str, bytes]:
    """Return the type and the body of an event as readers of a generation understand it."""
    type_, body = event.type, to_json(event)
    for older in range(GENERATION - 1, generation - 1, -1):
        if type_ in DOWNCASTS[older]:
            type_, rewrite = DOWNCASTS[older][type_]
            body = _rewritten(body, rewrite)
    return type_, body


def _rewritten(body: bytes, rewrite: Rewrite) -> bytes:
    try:
        found = orjson.loads(body)
        return orjson.dumps(rewrite(found)) if isinstance(found, dict) else body
    # It reads values that are nested more deeply than it writes.
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body
