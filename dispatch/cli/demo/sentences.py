"""The sentences of the demo's story, by what happened."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dispatch.domain.counting import counted

Detail = Mapping[str, Any]

GATES = {
    "skill": ("lacks the skill", "lack the skill"),
    "availability": ("is not available", "are not available"),
    "not eligible": ("is not eligible (age, consent)", "are not eligible (age, consent)"),
    "farther": ("lives a little farther away", "live a little farther away"),
    "offer": ("holds another offer", "hold another offer"),
    "asked": ("was asked before", "were asked before"),
    "engaged": ("is on another assignment", "are on another assignment"),
    "often": ("was asked too often", "were asked too often"),
    "position": ("has no known place", "have no known place"),
    "rest": ("is resting", "are resting"),
}
"""What keeps one person, and several, from being asked."""
NAMED_REASONS = 3
LATE = {"thanked": "is thanked", "reserve": "is kept in reserve", "seated": "still takes a seat"}
ENDS = {"all released": "everybody is released", "professionals": "the professionals have finished"}
COUNTED = {
    "offer.expired": ("person did not answer in time", "people did not answer in time"),
    "offer.withdrawn": (
        "person who was asked is told that they are no longer needed",
        "people who were asked are told that they are no longer needed",
    ),
}
"""What happens to several people at once, and is told as a number."""


def passed_over(people: Sequence[Detail]) -> str:
    """Return why those who are as near were not asked, the most frequent reason first."""
    reasons = Counter(one["why"][0] for one in people if one["why"])
    said = [
        counted(n, *GATES.get(reason, (reason, reason))) for reason, n in reasons.most_common(NAMED_REASONS)
    ]
    return f"Not asked, though near: {', '.join(said)}." if said else ""


def _opened(detail: Detail, _who: str, _since: str) -> str:
    roles = Counter(seat["role"].replace("_", " ") for seat in detail["seats"] if not seat["reserve"])
    needed = ", ".join(counted(n, role) for role, n in roles.items())
    kind, severity = detail["kind"].rpartition(".")[2].replace("_", " "), detail["severity"].replace("_", "-")
    return (
        f"A call: {kind}, {severity}. The professionals have it as “{detail['professional']['reference']}”."
        f" The plan “{detail['plan']}” looks for volunteers as well: {needed}."
    )


def _released(detail: Detail, who: str, _since: str) -> str:
    return f"{who} is done." if detail["reason"] == "done" else f"{who} is no longer needed."


SENTENCES: dict[str, Callable[[Detail, str, str], str]] = {
    "incident.opened": _opened,
    "offer.accepted": lambda _, who, since: f"{who} says yes, {since}.",
    "offer.declined": lambda _, who, __: f"{who} says no.",
    "offer.answered_late": lambda one, who, _: (
        f"{who} says yes too late, and {LATE.get(one['outcome'], 'is thanked')}."
    ),
    "assignment.en_route": lambda _, who, __: f"{who} sets out.",
    "assignment.on_scene": lambda _, who, since: f"{who} arrives, {since}.",
    "assignment.released": _released,
    "incident.widened": lambda one, *_: f"The search goes out to {one['radius_m']} m.",
    "incident.covered": lambda _, __, since: f"Enough have said yes, {since}.",
    "incident.uncovered": lambda *_: "There are not enough people any more.",
    "incident.taken_over": lambda *_: "A supervisor takes over.",
    "incident.closed": lambda one, *_: f"It ends: {ENDS.get(one['reason'], one['reason'])}.",
    "escalation.raised": lambda one, *_: (
        f"A supervisor is {'paged' if one['page'] else 'told'}: {one['detail'] or one['reason'].replace('_', ' ')}."
    ),
}
"""What is told of one moment: its detail, the name of the person, and how long after the call."""
