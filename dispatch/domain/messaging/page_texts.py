"""The texts to duty contacts: pages, what stands when they answer, and questions back."""

from dataclasses import dataclass
from typing import Literal

from schemas.notifications import Purpose

Named = tuple[tuple[str, str], ...]
"""Codes, each with what it stands for."""
Standing = Literal[
    "raised", "acknowledged", "acknowledged_by_you", "taken", "taken_by_you", "resolved", "ended"
]
"""The state of an escalation for one contact."""
ONLY_ON_DUTY: frozenset[Purpose] = frozenset({"escalation", "escalation_status"})
"""The purposes of messages that only duty contacts get."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a text to a duty contact may mention, apart from the escalation's reason and the incident's title.

    `who` has acknowledged or taken over; `pages`, `recalls` and `offers` are what a text may have been about. `number`
    is its short id, `place` where it is in words, `lacks` how many people of which roles it lacks, `also` the other
    reasons why it needs somebody. `others` counts the other subjects that need the reader.
    """

    code: str = ""
    takes: bool = False
    standing: Standing = "raised"
    who: str = ""
    until: str = ""
    organisation: str = ""
    alone: bool = False
    pages: Named = ()
    recalls: Named = ()
    offers: Named = ()
    number: str = ""
    place: str = ""
    lacks: tuple[tuple[str, int], ...] = ()
    also: tuple[tuple[str, str], ...] = ()
    others: int = 0
    only_incidents: bool = True


@dataclass(frozen=True, slots=True)
class EscalationState:
    """An escalation as it stands, with the actors who acknowledged it and took its incident over."""

    status: str
    acknowledged_by: str | None
    incident_status: str | None
    taken_by: str | None


def standing(state: EscalationState, reader: str) -> tuple[Standing, str]:
    """Return how an escalation stands for one who reads about it, and the actor who made it so."""
    if state.incident_status in ("aborted", "closed", "cancelled"):
        return "ended", ""
    if state.status == "handed_over" and state.taken_by is not None:
        return ("taken_by_you" if state.taken_by == reader else "taken"), state.taken_by
    if state.status == "acknowledged":
        by = state.acknowledged_by or ""
        return ("acknowledged_by_you" if by == reader else "acknowledged"), by
    return ("raised" if state.status == "raised" else "resolved"), ""


def sentences(purpose: Purpose, page: PageFacts) -> list[str]:
    """Return the keys of the sentences of a text."""
    match purpose:
        case "stopped":
            return ["page_stopped_alone" if page.alone else "page_stopped"]
        case "started":
            return ["page_started"]
        case "ask_back" if page.recalls or page.offers:
            choices = {"or_page": page.pages, "or_recall": page.recalls, "or_offer": page.offers}
            return ["which", *(key for key, named in choices.items() if named)]
        case "ask_back":
            return [f"page_ask_back_{min(len(page.pages), 2)}"]
        case "escalation_status" if page.standing != "raised":
            hint = ["may_take_over"] if page.takes and page.standing.startswith("acknowledged") else []
            return [page.standing, *hint]
    return [*_heading(page), *_ending(page)]


def _heading(page: PageFacts) -> list[str]:
    """Return the sentence that says who needs the reader and why: alone, or as the worst of several."""
    if not page.others:
        return ["page_alone"]
    return ["page_incidents" if page.only_incidents else "page_alerts"]


def _ending(page: PageFacts) -> list[str]:
    """Return the sentences that say how to answer, and what the answer is about."""
    answer = "page_take" if page.takes else "page_see"
    return [f"{answer}_worst" if page.others else answer]


def fields(page: PageFacts) -> dict[str, str]:
    """Return the values that the sentences name."""
    return {
        "code": page.code,
        "who": page.who,
        "until": page.until,
        "organisation": page.organisation or "Renfort",
        "count": str(page.others + 1),
        "number": page.number,
        "one": page.pages[0][0] if page.pages else "",
        "pages": _listed(page.pages),
        "recalls": _listed(page.recalls),
        "offers": _listed(page.offers),
    }


def _listed(named: Named) -> str:
    return ", ".join(f"{code} = {what}" for code, what in named)
