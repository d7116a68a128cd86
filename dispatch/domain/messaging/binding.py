"""Binding of a text to an offer: the one that it names, or the only one that it can mean; never a guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.grammar import ParsedText
from schemas.base import Mode

RECENT = timedelta(minutes=30)
"""How long after an offer's window, a release or a page a text without a code may still be about it."""
RECALL_LASTS = timedelta(hours=24)
"""How long a text may still be about the recall of an aborted incident, and its sender is asked whether they saw it."""
SKEW = timedelta(seconds=30)
"""How far the clock of a network may be behind ours before a quick answer looks older than its question."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer that a text may be about: `waiting` for a first answer, or `recalled` and not yet seen.

    `seated` is whether the volunteer is assigned, `released` whether they were until a moment ago, `out` whether they
    may be on the way, on scene, or back from there, `overdue` whether they are asked if their mission is over.
    """

    id: UUID
    organisation: UUID
    waiting: bool
    recalled: bool
    extended_at: datetime | None = None
    incident_id: UUID | None = None
    mode: Mode = "actual"
    informs: bool = False
    held: bool = False
    seated: bool = False
    released: bool = False
    out: bool = False
    overdue: bool = False


def bind(
    text: ParsedText, candidates: Sequence[Candidate], said_at: datetime | None = None
) -> Candidate | None:
    """Find the one offer that the text answers; None where it could be none or several.

    Without a code it is about no offer that was extended after it was said.
    """
    meant = [one for one in candidates if text.code in (None, code(one.id))]
    if text.code is None and said_at is not None:
        meant = [one for one in meant if one.extended_at is None or one.extended_at <= said_at + SKEW]
    if text.answer == "acknowledged" and text.code is None:
        # "OK" has been seen, and never fills a seat: it can only be about a recall.
        meant = [one for one in meant if one.recalled]
    # Whoever changes their mind answers again what they have answered already, if nothing new waits.
    waiting = [one for one in meant if one.waiting] or meant
    return waiting[0] if len(waiting) == 1 else None
