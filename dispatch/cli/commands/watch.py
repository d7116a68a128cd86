"""`dispatch watch`: incidents with their seats and next due action, escalations and the latest events, live."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rich.console import Group
from rich.live import Live
from rich.text import Text

from dispatch.cli.connection import run
from dispatch.cli.output import Json, Whose, counted, organisation_of, print_json, screen, table
from dispatch.domain.local_time import local, written
from dispatch.services.access import organisations
from dispatch.services.console import situation, stream
from dispatch.services.console.situation import IncidentSummary
from dispatch.services.console.stream import StreamItem
from dispatch.services.console.views import Escalation
from dispatch.services.core.unit_of_work import UnitOfWork

RUNNING = ("open", "held", "taken_over")
POLL_S = 0.5
LAST = 12
MOST = 200
CODE = 8
COLOURS = {"life_threatening": "bold red", "urgent": "yellow", "routine": "", "held": "bold magenta"}
DETAILS = (
    "kind",
    "severity",
    "role",
    "reason",
    "level",
    "outcome",
    "purpose",
    "channel",
    "by",
    "radius_m",
    "eta_at",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """The situation of an organisation at one time, in its time zone."""

    at: datetime
    zone: str
    incidents: Sequence[IncidentSummary]
    due: Mapping[UUID, tuple[str, datetime]]
    escalations: Sequence[Escalation]
    events: Sequence[StreamItem]


def watch(*, once: bool = False, organisation: Whose = None, json: Json = False) -> None:
    """Watch an organisation's incidents; without a terminal, print one line per event. Ctrl-C ends it.

    Example: dispatch watch --once

    Parameters
    ----------
    once
        Show the present situation and exit.
    """
    run(lambda uow: _watch(uow, organisation, once=once, json=json))


async def _watch(uow: UnitOfWork, name: str | None, *, once: bool, json: bool) -> None:
    organisation_id = await organisation_of(uow, name)
    if once:
        cursor = await stream.back(uow, organisation_id, LAST)
        picture = await _read(uow, organisation_id, await stream.read(uow.pool, organisation_id, cursor))
        print_json(picture) if json else screen.print(paint(picture))
    elif json or not screen.is_terminal:
        await _lines(uow, organisation_id, json=json)
    else:
        await _live(uow, organisation_id)


async def _lines(uow: UnitOfWork, organisation_id: UUID, *, json: bool) -> None:
    """Print each event on one line, for a log or a pipe."""
    cursor, zone = await stream.latest(uow), (await organisations.get(uow, organisation_id)).zone
    while True:
        page = await stream.read_page(uow.pool, organisation_id, cursor)
        cursor = page.position
        for item in page.items:
            print(item.json().decode() if json else line(item, zone).plain, flush=True)
        await asyncio.sleep(0 if page.full else POLL_S)


async def _live(uow: UnitOfWork, organisation_id: UUID) -> None:
    cursor = await stream.back(uow, organisation_id, LAST)
    events: deque[StreamItem] = deque(maxlen=LAST)
    with Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            page = await stream.read_page(uow.pool, organisation_id, cursor)
            cursor = page.position
            events.extend(page.items)
            live.update(paint(await _read(uow, organisation_id, list(events))), refresh=True)
            await asyncio.sleep(0 if page.full else POLL_S)


async def _read(uow: UnitOfWork, organisation_id: UUID, events: Sequence[StreamItem]) -> Picture:
    return Picture(
        uow.clock.now(),
        (await organisations.get(uow, organisation_id)).zone,
        await situation.incidents(uow, organisation_id, statuses=RUNNING, limit=MOST),
        await situation.next_due(uow, organisation_id),
        await situation.escalations(uow, organisation_id),
        events,
    )


def paint(picture: Picture) -> Group:
    """Return the layout of the picture."""
    columns = (
        "incident",
        "kind",
        "severity",
        "status",
        "seats",
        "live offers",
        "since",
        "next due",
        "notified",
    )
    rows = (_row(one, picture) for one in picture.incidents)
    incidents = table(
        f"{counted(len(picture.incidents), 'incident')} · {_time(picture.at, picture.zone)}", columns, rows
    )
    events = (line(item, picture.zone) for item in picture.events)
    return Group(incidents, _escalations(picture.escalations), Text(), *events)


def _time(moment: datetime, zone: str) -> str:
    return written(local(moment, zone), "%H:%M:%S", "en")


def _row(one: IncidentSummary, picture: Picture) -> tuple[object, ...]:
    kind, due_at = picture.due.get(one.id, ("", None))
    seats = Text(f"{one.filled}/{one.needed}", "green" if one.filled >= one.needed else "red")
    awaiting = f" awaiting {', '.join(one.awaiting)}" if one.awaiting else ""
    return (
        str(one.id)[-CODE:],
        one.kind + ("" if one.mode == "actual" else f" [{one.mode}]"),
        Text(one.severity, COLOURS[one.severity]),
        Text(one.status + awaiting, COLOURS.get(one.status, "")),
        seats,
        one.open_offers,
        _span((picture.at - one.opened_at).total_seconds()),
        f"{kind} in {_span((due_at - picture.at).total_seconds())}" if due_at else "",
        one.open_escalations or "",
    )


def _span(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds."""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes:02}" if hours else f"{minutes} min {rest:02}" if minutes else f"{rest} s"
    return f"-{text}" if seconds < 0 else text


def _escalations(escalations: Sequence[Escalation]) -> Group:
    """Return the open escalations, one line per level."""
    if not escalations:
        return Group(Text("no open escalation", "green"))
    return Group(*_levels(escalations))


def _levels(escalations: Sequence[Escalation]) -> Iterator[Text]:
    for level in sorted({one.level for one in escalations}, reverse=True):
        these = [one for one in escalations if one.level == level]
        seen = sum(one.status == "acknowledged" for one in these)
        reasons = ", ".join(sorted({one.reason for one in these}))
        text = f"level {level}: {len(these)} open, {seen} acknowledged ({reasons})"
        yield Text(text, "bold red" if level > 1 else "yellow")


def line(item: StreamItem, zone: str) -> Text:
    """Return an event as one line, with its time in a time zone."""
    name = item.type.rpartition(".v")[0]
    subject = item.data.get("incident_id") or item.subject
    details = "  ".join(
        f"{key}={item.data[key]}" for key in DETAILS if item.data.get(key) not in (None, "", [])
    )
    mode = "" if item.mode == "actual" else f"[{item.mode}] "
    style = "red" if name.startswith("escalation.") else "green" if name.startswith("assignment.") else ""
    parts = (
        (f"{_time(item.at, zone)} ", "dim"),
        mode,
        (f"{name:28}", style),
        f" {subject[-CODE:]}  {details}",
    )
    return Text.assemble(*parts)
