"""`dispatch incident`: show an incident, its timeline, and why each volunteer was or was not asked."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cyclopts import App
from rich.text import Text

from dispatch.cli.commands.incident_acts import register
from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, organisation_of, print_json, screen, table
from dispatch.domain.counting import counted
from dispatch.domain.local_time import local, written
from dispatch.services.access import organisations
from dispatch.services.console import history, situation
from dispatch.services.console.history import Moment, Timeline
from dispatch.services.console.situation import IncidentDetail, SeatDetail
from dispatch.services.console.views import Assignment
from dispatch.services.core.short_ids import find
from dispatch.services.core.unit_of_work import UnitOfWork

incident = App(name="incident", help="Show an incident, and act on it.")
register(incident)

UNSHOWN = {
    "offer_id", "assignment_id", "round_id", "escalation_id", "subject_kind", "subject_id", "plan_hash",
}  # fmt: skip
SHOWN = ("id", "plan", "position", "hazards", "awaiting", "opened_at", "covered_at", "ended_at", "taken_by")
CODE = 8
MOST_SHOWN = 100
"""How many of those who were not picked are named in a round, the nearest first; the others are counted."""


class IncidentWithTimeline(NamedTuple):
    """The present state of an incident, and its history."""

    incident: IncidentDetail
    timeline: Timeline


class Local(NamedTuple):
    """Moments on the clock of an organisation."""

    zone: str

    def time(self, moment: datetime) -> str:
        """Return the time of day."""
        return written(local(moment, self.zone), "%H:%M:%S", "en")

    def plain(self, value: object) -> str:
        """Return a value as text, a moment with its day."""
        if isinstance(value, datetime):
            return written(local(value, self.zone), "%Y-%m-%d %H:%M:%S", "en")
        return _plain(value)


@incident.command
def show(id: str, *, organisation: Whose = None, json: Json = False) -> None:  # noqa: A002 - the argument's name
    """Show an incident and its timeline, with the reason of every pick and of every non-pick near it.

    Example: dispatch incident show 1fd89305

    Parameters
    ----------
    id
        The incident's id, or at least its first 4 characters.
    """

    async def work(uow: UnitOfWork) -> tuple[IncidentWithTimeline, Local]:
        owner = await organisation_of(uow, organisation)
        id_ = await find(uow.pool, "incident", owner, id)
        found = IncidentWithTimeline(
            await situation.incident(uow, owner, id_), await history.timeline(uow, owner, id_)
        )
        return found, Local((await organisations.get(uow, owner)).zone)

    account, here = run(work)
    if json:
        print_json(account._asdict())
        return
    _show_incident(account.incident, here)
    people = account.timeline.people
    rows = (row for moment in account.timeline.moments for row in _rows(moment, people, here))
    screen.print(table("timeline", ("at", "what", "who", "detail"), rows))


def _show_incident(found: IncidentDetail, here: Local) -> None:
    title = Text.assemble((found.kind, "bold"), f"  {found.severity}  {found.status}  {found.mode}")
    screen.print(title)
    for name in SHOWN:
        if value := getattr(found, name):
            screen.print(Text.assemble((f"{name:11}", "dim"), here.plain(value)))
    holders: dict[UUID | None, Assignment] = {one.id: one for one in found.assignments}
    rows = (
        (s.number, s.role, _skills(s), s.reserve or "", *_holder(found, holders.get(s.assignment_id)))
        for s in found.seats
    )
    screen.print(table("seats", ("seat", "role", "skill", "reserve", "who", "status", "expected"), rows))
    raised = (
        (e.level, e.reason, e.status, e.acknowledged_by, here.plain(e.raised_at)) for e in found.escalations
    )
    if found.escalations:
        screen.print(table("escalations", ("level", "reason", "status", "by", "raised at"), raised))
    texts = (
        (f"{one.received_at:%H:%M:%S}", name_of(one.volunteer_id, found.people), Text(one.text), one.outcome)
        for one in found.texts
    )
    if found.texts:
        screen.print(table("texts", ("at", "who", "text", "outcome"), texts))


def _holder(found: IncidentDetail, assignment: Assignment | None) -> tuple[object, ...]:
    if assignment is None:
        return Text("empty", "red"), "", ""
    expected = f"{assignment.eta_at:%H:%M:%S}" if assignment.eta_at else ""
    return name_of(assignment.volunteer_id, found.people), assignment.status, expected


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def name_of(volunteer: object, people: dict[UUID, str]) -> str:
    """Return a volunteer's name, or the start of the pseudonym of one who was erased."""
    return people.get(UUID(str(volunteer)), str(volunteer)[:CODE])


def _rows(moment: Moment, people: dict[UUID, str], here: Local) -> Iterator[tuple[object, ...]]:
    detail = dict(moment.detail)
    picked, passed = detail.pop("picked", ()), detail.pop("passed_over", ())
    beyond = detail.pop("beyond", None) or {"people": 0}
    who = name_of(detail.pop("volunteer_id"), people) if "volunteer_id" in detail else ""
    fields = {k: v for k, v in detail.items() if k not in UNSHOWN and v not in (None, "", [], {})}
    text = ", ".join(f"{name}={_plain(value)}" for name, value in fields.items())
    yield here.time(moment.at), Text(moment.what, "bold"), who, text
    for one in picked:
        yield "", Text("  picked", "green"), name_of(one["volunteer_id"], people), _why(one)
    for one in passed[:MOST_SHOWN]:
        yield "", Text("  not picked", "yellow"), name_of(one["volunteer_id"], people), _why(one)
    if more := passed[MOST_SHOWN:]:
        words = Counter(word for one in more for word in one["why"])
        yield (
            "",
            Text("  not picked", "yellow"),
            f"{len(more)} more",
            f"{_counts(words)} (all of them: --json)",
        )
    if beyond["people"]:
        yield (
            "",
            Text("  farther", "yellow"),
            counted(beyond["people"], "person", "people"),
            _counts(beyond["why"]),
        )


def _counts(words: Mapping[str, int]) -> str:
    """Write numbers of people by gate; who is shut out by two gates is in both."""
    return ", ".join(f"{word}: {number}" for word, number in sorted(words.items()))


def _why(one: dict[str, Any]) -> str:
    why = one["why"] if isinstance(one["why"], str) else ", ".join(one["why"])
    return f"{one.get('role', '')} {one['distance_m']} m: {why}".strip()


def _skills(seat: SeatDetail) -> str:
    """Write the skills that a seat asks for."""
    return " + ".join([*seat.all_skills, *([" or ".join(seat.any_skills)] if seat.any_skills else [])])
