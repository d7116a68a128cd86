"""Draw the transition tables: `python -m tests.documents.state_diagram > docs/state.svg`."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import hypot
from typing import NamedTuple

from tests.documents.reference import MACHINES


class Point(NamedTuple):
    """A point on the page, in pixels; of a status, its centre."""

    x: float
    y: float


class Arrow(NamedTuple):
    """A transition; its events are named, except a single event with the name of the new status."""

    before: str
    after: str
    words: tuple[str, ...]


PLACES: Mapping[str, Mapping[str, Point]] = {
    "Incident": {
        "open": Point(80, 170), "held": Point(280, 80), "taken_over": Point(280, 270), "aborted": Point(500, 120),
        "closed": Point(720, 180), "cancelled": Point(500, 300),
    },
    "Offer": {
        "extended": Point(80, 490), "expired": Point(300, 420), "declined": Point(300, 560),
        "withdrawn": Point(300, 650), "accepted": Point(560, 490), "waitlisted": Point(560, 640),
    },
    "Assignment": {
        "assigned": Point(80, 760), "en_route": Point(280, 760), "on_scene": Point(480, 760),
        "released": Point(700, 760),
    },
    "Escalation": {
        "raised": Point(80, 940), "acknowledged": Point(320, 940), "resolved": Point(600, 905),
        "handed_over": Point(600, 975),
    },
}  # fmt: skip
ASIDE = {
    ("held", "closed"): 45, ("extended", "withdrawn"): -30, ("withdrawn", "accepted"): -30, ("extended", "accepted"): 0,
    ("assigned", "on_scene"): 42, ("assigned", "released"): -62, ("en_route", "released"): -42,
    ("raised", "handed_over"): -48, ("raised", "resolved"): 48, ("taken_over", "taken_over"): -1,
}  # fmt: skip
"""The offset of an arrow's middle to its left, to avoid boxes; a loop with an entry is drawn below its box."""
SLIGHTLY = 9
HALF_WIDTH, HALF_HEIGHT = 52, 16
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 1040" font-family="Helvetica,Arial,sans-serif" font-size="13" \
role="img" aria-label="What may follow what: incident, offer, assignment, escalation">
<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">\
<path d="M0 0L10 5L0 10z" fill="#444"/></marker></defs>
<style>rect{fill:#eef4fb;stroke:#3b6ea5;stroke-width:1.4}path.l{fill:none;stroke:#444;stroke-width:1.1;\
marker-end:url(#a)}.s{font-size:11px;fill:#555;stroke:#fff;stroke-width:3;paint-order:stroke}\
.h{font-size:15px;font-weight:bold}</style>
<path d="M0 0H800V1040H0z" fill="#fff"/>"""
LEGEND = "An arrow without words is the event that is named like the status it leads to."


def current() -> str:
    """Return the drawing of all tables."""
    lines = [HEAD]
    for name, places in PLACES.items():
        top = min(place.y for place in places.values()) - 42
        lines.append(f'<text class="h" x="28" y="{top:g}">{name}</text>')
        lines += [_arrow(arrow, places) for arrow in arrows(name)]
        lines += [_status(status, place) for status, place in places.items()]
    return "\n".join([*lines, f'<text class="s" x="28" y="1030">{LEGEND}</text>', "</svg>", ""])


def arrows(name: str) -> Iterator[Arrow]:
    """Yield one arrow for each pair of statuses with a transition."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (before, event), after in MACHINES[name].items():
        found[before, after].append(event.type.split(".")[1])
    for (before, after), words in found.items():
        yield Arrow(before, after, () if words == [after] else tuple(words))


def _status(status: str, place: Point) -> str:
    corner = f'x="{place.x - HALF_WIDTH:g}" y="{place.y - HALF_HEIGHT:g}"'
    box = f'<rect {corner} width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}" rx="6"/>'
    return f'{box}<text x="{place.x:g}" y="{place.y + 4:g}" text-anchor="middle">{status.replace("_", " ")}</text>'


def _arrow(arrow: Arrow, places: Mapping[str, Point]) -> str:
    if arrow.before == arrow.after:
        return _loop(places[arrow.before], arrow.words, above=(arrow.before, arrow.after) not in ASIDE)
    start, end = places[arrow.before], places[arrow.after]
    bend = _beside(start, end, 2 * ASIDE.get((arrow.before, arrow.after), SLIGHTLY))
    first, last = _edge(start, bend), _edge(end, bend)
    middle = Point((first.x + 2 * bend.x + last.x) / 4, (first.y + 2 * bend.y + last.y) / 4)
    path = f"M{first.x:.0f} {first.y:.0f}Q{bend.x:.0f} {bend.y:.0f} {last.x:.0f} {last.y:.0f}"
    return f'<path class="l" d="{path}"/>{_words(arrow.words, middle)}'


def _loop(place: Point, words: tuple[str, ...], *, above: bool) -> str:
    up = 1 if above else -1
    x, y, far = place.x + 22, place.y - up * HALF_HEIGHT, place.y - up * (HALF_HEIGHT + 26)
    path = f"M{x - 12:g} {y:g}C{x - 14:g} {far:g} {x + 22:g} {far:g} {x + 14:g} {y:g}"
    return f'<path class="l" d="{path}"/>{_words(words, Point(x + 4, far + 2))}'


def _words(words: tuple[str, ...], place: Point) -> str:
    text = ", ".join(words).replace("_", " ")
    return (
        f'<text class="s" x="{place.x:.0f}" y="{place.y + 4:.0f}" text-anchor="middle">{text}</text>'
        if text
        else ""
    )


def _beside(start: Point, end: Point, aside: float) -> Point:
    """Return the point to the left of the middle between two points."""
    x, y = end.x - start.x, end.y - start.y
    length = hypot(x, y)
    return Point((start.x + end.x) / 2 + y / length * aside, (start.y + end.y) / 2 - x / length * aside)


def _edge(place: Point, towards: Point) -> Point:
    """Return where a line from the centre of a box crosses its edge."""
    x, y = towards.x - place.x, towards.y - place.y
    share = min(HALF_WIDTH / abs(x) if x else 9e9, HALF_HEIGHT / abs(y) if y else 9e9)
    return Point(place.x + x * share, place.y + y * share)


if __name__ == "__main__":
    sys.stdout.write(current())
