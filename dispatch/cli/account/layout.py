"""The account of an incident: how it stands, who is in its seats, what was written, and all that happened."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from rich.text import Text

from dispatch.cli.account.sentences import Teller
from dispatch.cli.account.words import REASONS
from dispatch.cli.terminal import one_line
from dispatch.cli.watch.blocks import Reader, told
from dispatch.cli.watch.screen import block
from dispatch.cli.watch.words import say
from dispatch.services.console.history import Moment, Timeline
from dispatch.services.console.overview import IncidentOutlook
from dispatch.services.console.situation import IncidentDetail
from dispatch.services.console.views import Assignment, Escalation

MOST_SHOWN = 100
"""How many of those who were not picked are named in a round, the nearest first; the others are counted."""


class Account(NamedTuple):
    """An incident at a glance, in detail, and with its history."""

    outlook: IncidentOutlook
    detail: IncidentDetail
    timeline: Timeline


def account(found: Account, teller: Teller, reader: Reader, width: int) -> Iterator[Text]:
    """Yield the lines of an account."""
    yield from block(found.outlook, reader, width)
    for label, text in (*_facts(found.detail, teller), *_parts(found.detail, teller, reader)):
        yield Text.assemble((f"  {label:10}", "dim"), text)
    yield Text()
    for moment in found.timeline.moments:
        yield Text.assemble((f"{teller.time(moment.at)} ", "dim"), (teller.sentence(moment), _style(moment)))
        yield from _people(moment, teller)


def _facts(found: IncidentDetail, teller: Teller) -> Iterator[tuple[str, str]]:
    mode = "" if found.mode == "actual" else f" [{say(found.mode, teller.language)}]"
    yield "id", f"{found.id}{mode}"
    yield teller.label("plan"), found.plan
    if found.position is not None:
        yield teller.label("position"), f"{found.position.lat:.5f}, {found.position.lon:.5f}"
    if found.musters:
        yield teller.label("muster"), one_line(", ".join(found.musters))
    if found.hazards:
        yield teller.label("hazards"), ", ".join(found.hazards)
    yield teller.label("opened"), teller.day(found.opened_at)
    if found.window is not None:
        yield teller.label("window"), teller.window(found.window)
    if found.ended_at is not None:
        yield teller.label("ended"), teller.day(found.ended_at) + teller.ended_as(found.outcome)
    for words in found.words:
        yield teller.label("reported"), one_line(words)


def _parts(found: IncidentDetail, teller: Teller, reader: Reader) -> Iterator[tuple[str, Text | str]]:
    """Yield the seats, the escalations, and the texts of the volunteers."""
    holders: dict[UUID | None, Assignment] = {one.id: one for one in found.assignments}
    for seat in found.seats if found.ended_at is None else ():
        label = teller.label("reserve" if seat.reserve else "seat")
        holder = holders.get(seat.assignment_id)
        yield label, teller.label("pair", key=teller.role(seat.role), value=_holder(holder, teller, reader))
    for one in found.escalations:
        yield teller.label("alert"), _alert(one, teller, reader)
    for text in found.texts:
        said = f"{teller.time(text.received_at)} {teller.name(text.volunteer_id)}"
        yield teller.label("text"), teller.label("pair", key=said, value=one_line(text.text))


def _holder(holder: Assignment | None, teller: Teller, reader: Reader) -> str:
    if holder is None:
        return teller.label("empty")
    expected = teller.label("at_time", time=teller.time(holder.eta_at)) if holder.eta_at else ""
    status = (
        teller.word(REASONS, holder.reason or "done")
        if holder.status == "released"
        else reader.say(holder.status)
    )
    return ", ".join(filter(None, [teller.name(holder.volunteer_id), status, expected]))


def _alert(one: Escalation, teller: Teller, reader: Reader) -> Text:
    if one.status in ("raised", "acknowledged"):
        return Text(f"{str(one.id)[:8]} ") + told(one, reader)
    about = teller.reasons[str(one.id)]
    return Text(teller.label("resolved", about=reader.why(*about)), "dim")


def _style(moment: Moment) -> str:
    kind = moment.what.partition(".")[0]
    return {"escalation": "yellow", "assignment": "green", "incident": "bold"}.get(kind, "")


def _people(moment: Moment, teller: Teller) -> Iterator[Text]:
    """Yield who was picked and who was not in a search, each with the reason."""
    for one in moment.detail.get("picked", ()):
        role = teller.role(one["role"]) if one.get("role") else ""
        told = filter(None, [_near(one, teller), role, teller.place(one)])
        yield Text(f"    {teller.label('asked')} {', '.join(told)}", "green")
    passed = moment.detail.get("passed_over", ())
    for why, people in _by_reason(passed[:MOST_SHOWN], teller).items():
        yield Text(f"    {teller.label('not_asked', why=why, people=', '.join(people))}", "dim")
    if more := passed[MOST_SHOWN:]:
        why = teller.counts(Counter(word for one in more for word in one["why"]))
        yield Text(f"    {teller.label('more', count=len(more), why=why)}", "dim")
    beyond = moment.detail.get("beyond") or {"people": 0}
    if beyond["people"]:
        why = teller.counts(beyond["why"])
        yield Text(f"    {teller.label('beyond', count=beyond['people'], why=why)}", "dim")


def _by_reason(passed: Sequence[dict[str, Any]], teller: Teller) -> dict[str, list[str]]:
    """Return who was not picked by reason, the nearest first: a crowd fits on a screen."""
    found: dict[str, list[str]] = {}
    for one in passed:
        found.setdefault(teller.gates(one["why"]), []).append(_near(one, teller))
    return found


def _near(one: dict[str, Any], teller: Teller) -> str:
    return f"{teller.name(one['volunteer_id'])} {teller.distance(one['distance_m'])}"
