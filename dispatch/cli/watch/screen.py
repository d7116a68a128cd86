"""The screen of `dispatch watch`: as many incidents as fit, the gravest first, and what is left out in one line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.text import Text

from dispatch.cli.terminal import one_line
from dispatch.cli.watch.blocks import Reader, brief, details, head, told
from dispatch.cli.watch.words import say
from dispatch.services.console.overview import IncidentOutlook, Overview, Watched
from schemas.ids import short
from schemas.volunteers import Language

INDENT = 2
MOST_NOTICES = 3
"""Alerts of the system that are shown; the others are counted."""
MOST_APART = 3
"""Drills and drafts that are named where there is no room for all that each lacks; the others are counted."""
NARROWEST = 20

Lines = list[Text]


@dataclass(frozen=True, slots=True)
class Size:
    """A screen in characters."""

    width: int
    height: int


def picture(seen: Overview, size: Size, language: Language, *, lost: bool = False) -> Lines:
    """Return the lines of a screen; `lost` where there is no connection: they are not the present situation then."""
    reader, width = reader_of(seen, language), max(size.width, NARROWEST)
    if not lost:
        return _screen(seen, size, reader, width)
    said = reader.say("disconnected", at=reader.time(seen.at))
    banner = packed([Text(said, "bold red reverse")], width, hanging=INDENT)
    old = _screen(seen, Size(size.width, size.height - len(banner)), replace(reader, still=True), width)
    return [*banner, *(Text(line.plain, "dim") for line in old)]


def live_picture(seen: Overview, size: Size, language: Language, *, lost: bool) -> Lines:
    """Return the lines of a live screen, which ends with how to act where there is room."""
    lines = picture(seen, size, language, lost=lost)
    if len(lines) < size.height:
        lines.append(_cut([Text(say("acts", language), "dim")], size.width, 0))
    return lines


def _screen(seen: Overview, size: Size, reader: Reader, width: int) -> Lines:
    top = _top(seen, reader, width)
    apart = _apart(seen.apart, reader, width)
    full = [block(one, reader, width) for one in seen.actual.incidents]
    if len(full) == seen.actual.total:
        for drills in ([*apart[:1], *_apart_in_full(seen.apart, reader, width)], apart):
            if _fits([top, *full, drills], size):
                return _joined([top, *full, drills])
    apart = apart[:1]
    small = [_small(one, reader, width) for one in seen.actual.incidents]
    return [
        *top,
        *_first(seen.actual, small, reader, Size(width, size.height - len(top) - len(apart))),
        *apart,
    ]


def _fits(parts: Sequence[Lines], size: Size) -> bool:
    return sum(map(len, parts)) <= size.height


def _joined(parts: Sequence[Lines]) -> Lines:
    return [line for part in parts for line in part]


def reader_of(seen: Overview, language: Language, *, still: bool = False) -> Reader:
    """Return for whom the situation is written."""
    paused = seen.paused_at is not None
    return Reader(seen.at, seen.zone, language, on_duty=seen.on_duty > 0, paused=paused, still=still)


def _top(seen: Overview, reader: Reader, width: int) -> Lines:
    """Return what concerns all incidents: the time, the duty order, a pause, alerts of the system."""
    texts = [_summary(seen, reader), *notices(seen, reader)]
    return _joined([packed([text], width, hanging=INDENT) for text in texts])


def _summary(seen: Overview, reader: Reader) -> Text:
    actual = seen.actual
    counts = [reader.say("running", total=actual.total) if actual.total else reader.say("quiet")]
    counts += [reader.say("waiting", count=actual.waiting)] if actual.waiting else []
    counts += [reader.say("short", count=actual.lacking)] if actual.lacking else []
    style = "bold red" if actual.waiting else "bold"
    return Text(f"{reader.time(seen.at)} {one_line(seen.organisation)} · {' · '.join(counts)}", style)


def notices(seen: Overview, reader: Reader) -> Lines:
    """Return what no single incident is to blame for: an empty duty order, a pause, alerts of the system."""
    found = [] if seen.on_duty else [Text(reader.say("no_duty"), "bold red")]
    if seen.paused_at is not None:
        found.append(Text(reader.say("paused", since=reader.time(seen.paused_at)), "bold red"))
    found += [Text(f"{short(one.id)} ") + told(one, reader) for one in seen.escalations[:MOST_NOTICES]]
    if (rest := len(seen.escalations) - MOST_NOTICES) > 0:
        found.append(Text(reader.say("more_notices", count=rest), "bold red"))
    return found


def _apart(apart: Watched, reader: Reader, width: int) -> Lines:
    """Return drills and drafts: how many on the first line, then some of them."""
    if not apart.total:
        return []
    shown = [brief(one, reader) for one in apart.incidents[:MOST_APART]]
    # A danger in a drill is a danger: it stands on the line that is never left out.
    grave = [
        Text(f"!! {brief(one, reader)[0].plain}", "bold red")
        for one in apart.incidents
        if one.attention == "recall"
    ]
    first = _cut([Text(reader.say("apart", total=apart.total)), *grave], width, 0)
    return [first, *(_cut(fields, width, INDENT) for fields in shown), *_uncounted(apart, len(shown), reader)]


def _apart_in_full(apart: Watched, reader: Reader, width: int) -> Lines:
    """Return drills and drafts, below their first line, as incidents are: whoever practises sees what they will see."""
    blocks = [block(one, reader, width) for one in apart.incidents]
    return [*_joined(blocks), *_uncounted(apart, len(blocks), reader)]


def _uncounted(apart: Watched, shown: int, reader: Reader) -> Lines:
    rest = apart.total - shown
    return [Text(" " * INDENT + reader.say("more", count=rest))] if rest > 0 else []


def _first(actual: Watched, blocks: Sequence[Lines], reader: Reader, size: Size) -> Lines:
    """Return the first incidents, as many as fit; then how many are left out, and which of those is the worst."""
    shown = 0
    while shown < len(blocks):
        rest = _rest(actual, shown + 1, reader, size.width)
        if not _fits([*blocks[: shown + 1], rest], size):
            break
        shown += 1
    return _joined([*blocks[:shown], _rest(actual, shown, reader, size.width)])


def block(one: IncidentOutlook, reader: Reader, width: int) -> Lines:
    """Return the lines of one incident."""
    return [*packed(head(one, reader), width, hanging=INDENT), *packed(details(one, reader), width, INDENT)]


def _small(one: IncidentOutlook, reader: Reader, width: int) -> Lines:
    """Return an incident as it is shown where there is no room for all: on one line if it needs nobody."""
    return [_cut(brief(one, reader), width, INDENT)] if one.attention == "none" else block(one, reader, width)


def _rest(actual: Watched, shown: int, reader: Reader, width: int) -> Lines:
    """Return what says how many incidents are not shown, how many of them need somebody, and which is the worst."""
    hidden = actual.total - shown
    if not hidden:
        return []
    waiting = actual.waiting - _count(actual.incidents[:shown], "recall", "page")
    lacking = actual.lacking - _count(actual.incidents[:shown], "lacking")
    counts = [reader.say("more", count=hidden)]
    counts += [reader.say("waiting", count=waiting)] if waiting else []
    counts += [reader.say("short", count=lacking)] if lacking else []
    style = "bold red" if waiting else "yellow" if lacking else ""
    lines = packed([Text(count, style) for count in counts], width, hanging=INDENT)
    if shown < len(actual.incidents):
        worst = SEPARATOR.join(brief(actual.incidents[shown], reader)).plain
        lines.append(_cut([Text(reader.say("worst", worst=worst), style)], width, INDENT))
    return lines


def _count(incidents: Sequence[IncidentOutlook], *attention: str) -> int:
    return sum(one.attention in attention for one in incidents)


def _cut(fields: Sequence[Text], width: int, indent: int) -> Text:
    """Return fields on one line, which ends where the screen does."""
    line = Text(" " * indent) + SEPARATOR.join(fields)
    line.truncate(width, overflow="ellipsis")
    return line


def packed(fields: Sequence[Text], width: int, indent: int = 0, *, hanging: int = 0) -> Lines:
    """Return fields on as few lines as they need; one that is longer than a line is divided between words."""
    lines: Lines = []
    for field in fields:
        if lines and lines[-1].cell_len + SEPARATOR.cell_len + field.cell_len <= width:
            lines[-1] = SEPARATOR.join([lines[-1], field])
            continue
        for part in field.wrap(_MEASURE, width - max(indent, hanging)):
            part.rstrip()
            lines.append(Text(" " * (indent + (hanging if lines else 0))) + part)
    return lines


SEPARATOR = Text(" · ")
_MEASURE = Console(width=NARROWEST, color_system=None)
"""Rich divides texts by a console's settings, of which none matters here."""
