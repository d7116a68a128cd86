"""The history of an incident: its events and its searches for volunteers, with the reason of every choice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.domain.matching.selection import by_word, readable
from dispatch.services.access.duty_contacts import names_of_actors
from dispatch.services.console.pseudonyms import people_in, replaced
from dispatch.services.console.shown_gates import shown
from dispatch.services.core.short_ids import unknown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people.members import Members, Sighting, members_of
from dispatch.storage import journal
from dispatch.storage.packed_reasons import Reason, counts_of, reasons_of
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql
from dispatch.storage.standings import unpacked_places
from schemas.base import Event
from schemas.decoding import revive
from schemas.incidents import IncidentOpened

PICKED = {"nearest": "nearest who may be asked", "turn": "has waited longest", "lot": "drawn by lot"}
"""Why somebody was picked, by how the plan chooses."""
OMITTED = {"at", "incident_id", "organisation", "mode", "plan", "report_id"}
"""Fields of events that are the same in each event of an incident, or shown elsewhere."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of an incident, or one round of its search for volunteers."""

    at: datetime
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The moments of an incident in order, and the names of the volunteers in them."""

    incident_id: UUID
    moments: list[Moment]
    people: dict[UUID, str]


async def timeline(uow: UnitOfWork, organisation: UUID, incident_id: UUID) -> Timeline:
    """Return the timeline of an incident, with the reason of each pick and non-pick; raises NotFoundError."""
    async with transaction(uow.pool) as connection:
        if not await connection.fetchval(sql("incident_is_of"), incident_id, organisation):
            raise unknown("incident")
        events = await journal.read_rows(connection, [incident_id])
        rounds = await connection.fetch(sql("read_rounds"), incident_id)
        reasons = await _reasons(connection, organisation, rounds)
        moments = sorted([*map(_event, events), *map(_round, rounds, reasons)], key=_place)
        seen = list(_seen(moments))
        members = await members_of(connection, organisation, {who for who, _ in seen})
        actors = await names_of_actors(connection, [moment.detail.get("by") for moment in moments])
    shown_moments = [_with_name(_of_members(moment, members), actors) for moment in moments]
    return Timeline(incident_id, shown_moments, members.names(seen))


async def _reasons(
    connection: asyncpg.Connection, organisation: UUID, rounds: Sequence[asyncpg.Record]
) -> list[list[Reason]]:
    """Return for each round who was passed over, with the gates that may be shown."""
    stored = [reasons_of(row) for row in rounds]
    timed = [(row["at"], one) for row, each in zip(rounds, stored, strict=True) for one in each]
    found = iter(await shown(connection, organisation, timed))
    return [list(islice(found, len(each))) for each in stored]


def _event(row: asyncpg.Record) -> Moment:
    """Lay an event out; one whose bytes were changed keeps its place and is marked as unreadable."""
    try:
        return _moment(revive(row["type"], row["body"]))
    except (ValueError, LookupError):
        return Moment(row["recorded_at"], _what(row["type"]), {"unreadable": True, "seq": row["seq"]})


def _moment(event: Event) -> Moment:
    detail = event.model_dump(mode="json", exclude=OMITTED)
    if isinstance(event, IncidentOpened):
        detail["plan"] = event.plan["name"]
    return Moment(event.at, _what(event.type), detail)


def _with_name(moment: Moment, actors: Mapping[str, str]) -> Moment:
    """Name the duty contact who acted, whom the event names by reference."""
    name = actors.get(moment.detail.get("by", ""))
    return moment if name is None else replace(moment, detail=moment.detail | {"by": name})


def _what(type_: str) -> str:
    return type_.rpartition(".v")[0]


def _round(row: asyncpg.Record, reasons: Iterable[Reason]) -> Moment:
    """Lay a round out; sensitive gates read "not eligible"."""
    places = _places(row)
    picked = [
        {
            "volunteer_id": who,
            "role": role,
            "distance_m": metres,
            "why": PICKED[row["choose"]],
            **places.get(UUID(who), {}),
        }
        for who, role, metres in row["picked"]
    ]
    passed_over = [
        {"volunteer_id": str(who), "distance_m": metres, "why": readable(gates)}
        for who, metres, gates in reasons
    ]
    beyond, complete = counts_of(row)
    return Moment(
        row["at"],
        "search.round",
        {
            "round_id": str(row["id"]),
            "radius_m": row["radius_m"],
            "wanted": row["wanted"],
            "picked": picked,
            "passed_over": passed_over,
            "beyond": {"people": sum(beyond.values()), "why": by_word(beyond), "complete": complete},
            "others": f"farther than {row['radius_m']} m" + ("" if complete else ", or behind those listed"),
        },
    )


def _places(row: asyncpg.Record) -> dict[UUID, dict[str, int]]:
    """Return each place in the order of a round, and of how many; nothing where the nearest were simply first."""
    if row["ranked"] is None:
        return {}
    ranked = unpacked_places(row["ranked"])
    return {one.volunteer_id: {"place": place, "of": len(ranked)} for place, one in enumerate(ranked, 1)}


def _place(moment: Moment) -> tuple[datetime, int]:
    """Order moments of one time: a round comes after its cause and before its offers."""
    ranks = {"incident.opened": 0, "search.round": 2}
    follows = moment.what.startswith("offer.") or moment.what in ("incident.shortfall", "incident.widened")
    return moment.at, ranks.get(moment.what, 3 if follows else 1)


def _seen(moments: Iterable[Moment]) -> Iterator[Sighting]:
    return ((who, moment.at) for moment in moments for who in people_in(moment.detail))


def _of_members(moment: Moment, members: Members) -> Moment:
    return replace(moment, detail=replaced(moment.detail, moment.at, members))
