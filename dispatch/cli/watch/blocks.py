"""An incident as `dispatch watch` shows it: what it is and where, what lacks, who comes, what is next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from dispatch.cli.terminal import one_line
from dispatch.cli.watch.words import say
from dispatch.domain.messaging.texts import reason_in_words, role_in_words
from dispatch.domain.places.whereabouts import distance_in_words
from dispatch.domain.scheduling.local_time import local, written
from dispatch.domain.scheduling.windows import in_words
from dispatch.domain.supervising.outlook import Consequence, Next
from dispatch.services.console.overview import ComingView, IncidentOutlook
from dispatch.services.console.views import Escalation
from schemas.volunteers import Language

MOST_NAMED = 4
"""Responders who are named; the others are counted."""
SOON = timedelta(minutes=2)
"""Up to here a countdown is easier to read than a time of day."""
GRACE = timedelta(seconds=5)
"""So late, what is due is still on its way."""
ENDED = ("aborted", "closed", "cancelled")
MARKS = {"recall": "!!", "page": "! ", "lacking": "> ", "to_read": "? ", "none": "- "}
STYLES = {"recall": "bold red", "page": "bold red", "lacking": "yellow", "to_read": "cyan", "none": ""}

Fields = list[Text]
"""Parts of a line, each of which stays together where it can."""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a picture is laid out: a moment, a time zone and a language; `still` shows no countdown."""

    at: datetime
    zone: str
    language: Language
    on_duty: bool = True
    paused: bool = False
    still: bool = False

    def say(self, key: str, **fields: object) -> str:
        """Return a phrase."""
        return say(key, self.language, **fields)

    def time(self, moment: datetime) -> str:
        """Return a time of day."""
        return written(local(moment, self.zone), "%H:%M:%S" if moment.second else "%H:%M", self.language)

    def why(self, reason: str, detail: str) -> str:
        """Return why something was escalated."""
        return one_line(reason_in_words(reason, detail, self.language))

    def when(self, moment: datetime) -> str:
        """Return a near moment as a countdown, another one as a time of day."""
        left = moment - self.at
        if self.still or left > SOON:
            return self.say("at", time=self.time(moment))
        return self.say("in", span=span(left))


def span(length: timedelta) -> str:
    """Return a duration in its largest units."""
    seconds = max(0, round(length.total_seconds()))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02}"
    return f"{minutes} min" if minutes else f"{seconds} s"


def head(one: IncidentOutlook, reader: Reader) -> Fields:
    """Return what stands first: the short id and what it is, how severe, where, since or for when."""
    mark = Text(f"{MARKS[one.attention]}{_name(one, reader)} ", STYLES[one.attention])
    fields = [
        mark + Text(_title(one, reader), "bold"),
        Text(reader.say(one.severity)),
        Text(one.place[reader.language]),
    ]
    if one.window is not None:
        fields.append(Text(in_words(one.window, reader.zone, reader.at, reader.language), "bold"))
    elif not reader.still and one.status not in ENDED:
        fields.append(Text(reader.say("since", span=span(reader.at - one.opened_at))))
    return fields


def details(one: IncidentOutlook, reader: Reader) -> Fields:
    """Return the rest: status, what lacks, who comes, escalations, what is next."""
    return [*_state(one, reader), *_escalations(one, reader), *_next(one, reader)]


def brief(one: IncidentOutlook, reader: Reader) -> Fields:
    """Return an incident in a line, as among drills and drafts, or where it is the worst that is not shown."""
    return [_named(one, reader), *_state(one, reader)]


def _named(one: IncidentOutlook, reader: Reader) -> Text:
    return Text(f"{_name(one, reader)} {_title(one, reader)}")


def _name(one: IncidentOutlook, reader: Reader) -> str:
    """Return the short id, after the mode of what is not actual."""
    return one.code if one.mode == "actual" else f"{reader.say(one.mode)} {one.code}"


def _title(one: IncidentOutlook, reader: Reader) -> str:
    """Return the plan's title; where the plan asks nobody it may be for any kind, which is named too."""
    title = one.title.get(reader.language, one.kind)
    return one_line(title if one.needed else f"{title} ({one.kind})")


def _state(one: IncidentOutlook, reader: Reader) -> Iterator[Text]:
    """Yield the status where it is not plainly open, what lacks, and who comes."""
    if one.status in ("held", *ENDED):
        yield Text(reader.say(one.status), "bold magenta")
    elif one.status == "taken_over":
        yield Text(reader.say("taken_over", by=one_line(one.taken_by or "")))
    if one.awaiting and one.status == "open":
        yield Text(reader.say("awaiting"), "bold red")
    if one.unseen:
        yield Text(reader.say("unseen", names=", ".join(map(one_line, one.unseen))), "bold red")
    if one.status in ENDED:
        return
    yield _seats(one, reader)
    if one.coming:
        yield Text(reader.say(_coming(one), people=_people(one, reader)), "green")
    if one.asked:
        yield Text(reader.say("asked", count=one.asked))


def _coming(one: IncidentOutlook) -> str:
    if one.status == "held":
        return "waits"
    return "answered" if one.engagement == "notice" else "comes"


def _seats(one: IncidentOutlook, reader: Reader) -> Text:
    if not one.needed:
        return Text(reader.say("no_seats"))
    if not one.lacking:
        return Text(reader.say("full", needed=one.needed), "green")
    lacking = one.lacking.items()
    roles = ", ".join(f"{count} {role_in_words(role, reader.language, count)}" for role, count in lacking)
    return Text(reader.say("lacks", roles=roles, needed=one.needed), "bold red")


def _people(incident: IncidentOutlook, reader: Reader) -> str:
    """Return names with what is known of each; those beyond the first are counted."""
    coming, there = incident.coming, "at_station" if incident.engagement == "crew" else "on_scene"
    named = [f"{one_line(one.name)} {_progress(one, there, reader)}" for one in coming[:MOST_NAMED]]
    rest = len(coming) - len(named)
    return ", ".join(named + ([reader.say("others", count=rest)] if rest else []))


def _progress(one: ComingView, there: str, reader: Reader) -> str:
    notes = [reader.say(note) for note in ("late", "doubtful") if getattr(one, note)]
    return " ".join([_arrival(one, there, reader), *(f"({note})" for note in notes)])


def _arrival(one: ComingView, there: str, reader: Reader) -> str:
    if one.status == "on_scene" or one.eta_at is None:
        return reader.say(there if one.status == "on_scene" else one.status)
    if reader.still:
        return reader.say("at", time=reader.time(one.eta_at))
    minutes = round((one.eta_at - reader.at).total_seconds() / 60)
    return reader.say("minutes", minutes=minutes) if minutes > 0 else reader.say("due_now")


def _escalations(one: IncidentOutlook, reader: Reader) -> Iterator[Text]:
    for escalation in one.escalations:
        yield told(escalation, reader)


def told(one: Escalation, reader: Reader) -> Text:
    """Return an escalation: its level, whether somebody has seen it, and why."""
    why = reader.why(one.reason, one.detail)
    if one.status == "raised":
        style = "bold red" if one.page else "yellow"
        return Text(reader.say("unacknowledged", level=one.level, why=why), style)
    by = one_line(one.acknowledged_by or "")
    return Text(reader.say("acknowledged", level=one.level, by=by, why=why), "yellow")


def _next(one: IncidentOutlook, reader: Reader) -> Iterator[Text]:
    steps = _steps(one, reader)
    if one.next is not None and steps:
        yield Text(_scheduled(one.next, reader.say("then").join(steps), reader), "cyan")
    elif one.lacking and one.status == "open":
        yield Text(reader.say("nothing"))


def _scheduled(due: Next, steps: str, reader: Reader) -> str:
    late = reader.at - due.at
    if late > GRACE and not reader.still:
        return reader.say("overdue", span=span(late), steps=steps)
    return reader.say("next", when=reader.when(due.at), steps=steps)


def _steps(one: IncidentOutlook, reader: Reader) -> list[str]:
    """Return what happens next; nobody is asked during a pause, or paged where nobody is on duty."""
    found = one.next.consequences if one.next else ()
    impossible = dict.fromkeys(("asks", "asks_again", "seats"), reader.paused)
    impossible["pages_next"] = not reader.on_duty
    return [_step(what, reader) for what in found if not impossible.get(what.step)]


def _step(what: Consequence, reader: Reader) -> str:
    distance = distance_in_words(what.number, reader.language)
    why = reader.why(what.reason, "")
    station = one_line(what.reason)
    return reader.say(what.step, number=what.number, distance=distance, why=why, station=station)
