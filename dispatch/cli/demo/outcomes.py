"""How the demo's incidents ended, and the checks of that: an incident that merely ended is neglected."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import Literal

from dispatch.cli.demo.behaviour import ACCEPTANCE
from dispatch.cli.demo.checks import DemoCheck
from dispatch.services.operations.demo_figures import Figures, IncidentEnd

Outcome = Literal[
    "arrived", "taken over before", "taken over after", "neglected", "professionals", "unattended"
]

REACHED_SHARE = 0.9
"""Of the offers, the share that must reach a phone; the others are withdrawn in the moment in which they are made."""
DEVIATIONS = 3
"""How many standard deviations the share of yeses may lie outside of the published range."""


def outcome_of(end: IncidentEnd) -> Outcome:
    """Return how an incident ended for those who called."""
    if not end.needed:
        return "professionals" if end.taken_over else "unattended"
    if end.arrived >= end.needed:
        return "arrived"
    if not end.taken_over:
        return "neglected"
    return "taken over after" if end.filled_before else "taken over before"


def outcomes(ends: Sequence[IncidentEnd]) -> Counter[Outcome]:
    """Count the incidents by outcome."""
    return Counter(map(outcome_of, ends))


def check(figures: Figures) -> list[DemoCheck]:
    """Check that nobody who called was left alone, that offers reached phones, and how often people said yes."""
    return [
        DemoCheck("where people were needed, they arrived or a human took over", _of(figures, "neglected")),
        DemoCheck("where only professionals were needed, a human took over", _of(figures, "unattended")),
        DemoCheck("nine offers in ten reached a phone", _unreached(figures)),
        DemoCheck("people said yes as often as is published", _unlike_published(figures)),
    ]


def _of(figures: Figures, outcome: Outcome) -> list[str]:
    return [str(end.id) for end in figures.ends if outcome_of(end) == outcome]


def _unreached(figures: Figures) -> list[str]:
    wanted = figures.reached >= REACHED_SHARE * figures.offers
    return [] if wanted else [f"{figures.reached} of {figures.offers} did"]


def _unlike_published(figures: Figures) -> list[str]:
    if not figures.reached:
        return []
    share, (low, high) = figures.yes / figures.reached, ACCEPTANCE
    tolerance = DEVIATIONS * sqrt(high * (1 - high) / figures.reached)
    return [] if low - tolerance <= share <= high + tolerance else [f"{share:.1%} of {figures.reached}"]
