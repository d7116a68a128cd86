"""`dispatch watch`: incidents, seats, what is due, escalations, and what has just happened, live."""

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
from dispatch.domain.incident import Escalation
from dispatch.services.console import situation, stream
from dispatch.services.console.situation import Summary
from dispatch.services.console.stream import StreamItem
from dispatch.services.core.unit_of_work import UnitOfWork

RUNNING = ("open", "held", "taken_over")
POLL_S = 0.5
LAST = 12
MOST = 200
CODE = 8
COLOURS = {"life_threatening": "bold red", "urgent": "yellow", "routine": "", "held": "bold magenta"}
SAID = ("kind", "severity", "role", "reason", "level", "outcome", "purpose", "channel", "by", "radius_m")


@dataclass(frozen=True, slots=True)
class Picture:
    """What a supervisor sees at one moment."""

    at: datetime
    incidents: Sequence[Summary]
    due: Mapping[UUID, tuple[str, datetime]]
    escalations: Sequence[Escalation]
    events: Sequence[StreamItem]


def watch(*, once: bool = False, organisation: Whose = None, json: Json = False) -> None:
    """Watch an organisation's incidents; where there is no terminal, one line per event. Ctrl-C ends it.

    Example: dispatch watch --once

    Parameters
    ----------
    once
        Show the picture of this moment and end.
    """
    run(lambda uow: _watch(uow, organisation, once=once, json=json))


async def _watch(uow: UnitOfWork, name: str | None, *, once: bool, json: bool) -> None:
    house = await organisation_of(uow, name)
    if once:
        place = await stream.back(uow, house, LAST)
        picture = await _look(uow, house, await stream.read(uow.pool, house, place))
        print_json(picture) if json else screen.print(paint(picture))
    elif json or not screen.is_terminal:
        await _lines(uow, house, json=json)
    else:
        await _live(uow, house)


async def _lines(uow: UnitOfWork, house: UUID, *, json: bool) -> None:
    """Say each event in a line, for a log or a pipe."""
    place = await stream.latest(uow)
    while True:
        page = await stream.read_page(uow.pool, house, place)
        place = page.position
        for item in page.items:
            print(item.json().decode() if json else line(item).plain, flush=True)
        await asyncio.sleep(0 if page.full else POLL_S)


async def _live(uow: UnitOfWork, house: UUID) -> None:
    place = await stream.back(uow, house, LAST)
    events: deque[StreamItem] = deque(maxlen=LAST)
    with Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            page = await stream.read_page(uow.pool, house, place)
            place = page.position
            events.extend(page.items)
            live.update(paint(await _look(uow, house, list(events))), refresh=True)
            await asyncio.sleep(0 if page.full else POLL_S)


async def _look(uow: UnitOfWork, house: UUID, events: Sequence[StreamItem]) -> Picture:
    return Picture(
        uow.clock.now(),
        await situation.incidents(uow, house, statuses=RUNNING, limit=MOST),
        await situation.next_due(uow, house),
        await situation.escalations(uow, house),
        events,
    )


def paint(picture: Picture) -> Group:
    """Lay the picture out."""
    columns = ("incident", "kind", "severity", "status", "seats", "live offers", "since", "next due", "told")
    rows = (_row(one, picture) for one in picture.incidents)
    incidents = table(
        f"{counted(len(picture.incidents), 'incident')} · {picture.at:%H:%M:%S} UTC", columns, rows
    )
    return Group(incidents, _told(picture.escalations), Text(), *map(line, picture.events))


def _row(one: Summary, picture: Picture) -> tuple[object, ...]:
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
    """Write seconds as a supervisor says them."""
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes:02}" if hours else f"{minutes} min {rest:02}" if minutes else f"{rest} s"
    return f"-{text}" if seconds < 0 else text


def _told(escalations: Sequence[Escalation]) -> Group:
    """Name what supervisors have to see to, by level."""
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


def line(item: StreamItem) -> Text:
    """Say an event in one line."""
    name = item.type.rpartition(".v")[0]
    subject = item.data.get("incident_id") or item.subject
    said = "  ".join(f"{key}={item.data[key]}" for key in SAID if item.data.get(key) not in (None, "", []))
    mode = "" if item.mode == "actual" else f"[{item.mode}] "
    style = "red" if name.startswith("escalation.") else "green" if name.startswith("assignment.") else ""
    parts = ((f"{item.at:%H:%M:%S} ", "dim"), mode, (f"{name:28}", style), f" {subject[-CODE:]}  {said}")
    return Text.assemble(*parts)
