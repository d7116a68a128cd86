"""What a volunteer's page shows and which answers it offers, as a pure function of the offer and the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dispatch.services.messaging.tokens import TokenView
from schemas.replies import Answer

PENDING_REFRESH_S, ASKED_REFRESH_S, ASSIGNED_REFRESH_S = 2, 10, 20
"""Seconds until the page is read again: an answer is being processed, is awaited, or the volunteer is assigned or
waits for a place."""

Where = Literal["exact", "distance", "station", "muster"]
SEATED = ("assigned", "en_route", "on_scene", "overdue")
ENDED = ("aborted", "closed", "cancelled")


@dataclass(frozen=True, slots=True)
class PageContent:
    """The banner, the volunteer's state, what is told of the place, the answers, the seconds until it is read again."""

    banner: str | None
    state: str
    where: Where | None
    answers: tuple[Answer, ...]
    refresh_s: int | None


def page_content(view: TokenView, now: datetime) -> PageContent:
    """Return what the volunteer sees now."""
    state = _state(view, now)
    answers = tuple(answer for answer in _answers(view, state) if answer != view.pending)
    return PageContent(_banner(view), state, _where(view, state), answers, _refresh(view, state))


def may_answer(view: TokenView, answer: str) -> bool:
    """Check whether this plan allows the answer at all; whether it still counts is decided when it is processed."""
    return not (view.informs and answer in ("en_route", "on_scene", "danger", "not_yet"))


def _banner(view: TokenView) -> str | None:
    if view.incident_status == "held":
        return "held"
    aborted = view.incident_status == "aborted" or (view.recall == "aborted" and not view.recall_seen)
    return "aborted" if aborted else None


def _state(view: TokenView, now: datetime) -> str:
    if view.offer_status == "accepted":
        return _assignment(view)
    if view.late == "thanked":
        return "thanked"
    if view.incident_status in ENDED:
        return "ended"
    if view.offer_status == "extended":
        return "asked" if now <= view.expires_at else "expired"
    return view.offer_status


def _assignment(view: TokenView) -> str:
    if view.assignment_status == "released" or view.assignment_status is None:
        return {"done": "done", "withdrew": "declined"}.get(view.released_reason or "", "stood_down")
    if view.informs:
        return "informed"
    return "overdue" if view.overdue else view.assignment_status


def _where(view: TokenView, state: str) -> Where | None:
    """Return what is told of the place: exactly where, from a yes until the release; a crew goes to its station.

    A named point is told at once: it is no secret, and people gather there, not at the scene.
    """
    if view.informs or _banner(view) == "aborted" or state not in (*SEATED, "asked", "expired"):
        return None
    if view.pending in ("declined", "released"):
        return None
    if view.muster:
        return "muster"
    if view.crew:
        return "station"
    if view.lat is None or view.lon is None:
        return None
    told = state in SEATED or (state == "asked" and view.place_when_asked)
    return "exact" if told else "distance"


def _answers(view: TokenView, state: str) -> tuple[Answer, ...]:
    seen: tuple[Answer, ...] = ("acknowledged",) if _recall_unseen(view) else ()
    if view.incident_status in ENDED:
        return seen
    answers = _ANSWERS.get(state, ())
    if view.incident_status == "held":
        # A page that says "wait" must not offer to leave.
        answers = tuple(answer for answer in answers if answer not in ("en_route", "on_scene"))
    return seen + answers


def _recall_unseen(view: TokenView) -> bool:
    """Check whether a recall in force still awaits its acknowledgement."""
    in_force = view.recall == "aborted" or view.incident_status == "held"
    return view.recall is not None and in_force and not view.recall_seen


def _refresh(view: TokenView, state: str) -> int | None:
    if view.pending is not None:
        return PENDING_REFRESH_S
    if view.incident_status in ENDED:
        return None
    return _REFRESH_S.get(state)


_REFRESH_S = {
    "asked": ASKED_REFRESH_S,
    "waitlisted": ASSIGNED_REFRESH_S,
    "assigned": ASSIGNED_REFRESH_S,
    "en_route": ASSIGNED_REFRESH_S,
    "on_scene": ASSIGNED_REFRESH_S,
    "overdue": ASSIGNED_REFRESH_S,
}
_ANSWERS: dict[str, tuple[Answer, ...]] = {
    "asked": ("accepted", "declined"),
    "expired": ("accepted",),
    "waitlisted": ("declined",),
    "declined": ("accepted",),
    "assigned": ("en_route", "declined", "danger"),
    "en_route": ("on_scene", "declined", "danger"),
    "on_scene": ("released", "danger"),
    "overdue": ("released", "not_yet", "danger"),
}
