"""The pages of one duty contact as texts: which are one text, which of them it names, and when the next may follow.

The limits are those of control rooms for one operator (EEMUA 191): one alarm in ten minutes on average, and ten in the
first ten minutes of an upset. What is grave and new to the contact waits for a minute at most, whatever came before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from msgspec import Struct

from schemas.base import Severity

GROUPED_FOR = timedelta(seconds=60)
"""How long after a text the next pages are gathered into one."""
SUSTAINED = timedelta(minutes=10)
"""The interval between texts once a contact has had `BURST` of them."""
BURST = 10
"""Texts in `WINDOW` after which only what is grave and new may come sooner than after `SUSTAINED`.

What is calm never comes sooner: the burst is for upsets.
"""
WINDOW = BURST * SUSTAINED
"""Over which texts are counted, so that they are one in ten minutes on average."""
SAFETY = frozenset({"danger", "hazard", "recall_unacknowledged", "alone_overdue"})
"""Reasons that concern those who are out there."""
NO_HURRY = frozenset(
    {"no_plan", "outside_area", "not_en_route", "late_arrival", "apart", "updated_after_end"}
)
"""Reasons for which nobody who is needed is lacking yet: professionals alone respond, or people come all the same."""
SEVERITIES: Sequence[Severity] = get_args(Severity)


class Waiting(Struct, frozen=True):
    """A page that waits: its escalation, its incident's severity, and whether the contact was told of it before."""

    message_id: UUID
    subject_id: UUID
    status: str
    reason: str
    level: int
    raised_at: datetime
    severity: Severity | None = None
    told: bool = False

    @property
    def grave(self) -> bool:
        """Return whether it must not wait for longer than a text is gathered."""
        threatened = self.severity == "life_threatening" and self.reason not in NO_HURRY
        return self.reason in SAFETY or threatened

    @property
    def calm(self) -> bool:
        """Return whether it may wait for the interval that texts keep on average."""
        routine = self.severity == "routine" and self.reason != "by_hand"
        return not self.grave and (routine or self.reason in NO_HURRY)

    @property
    def stands(self) -> bool:
        """Return whether a supervisor is still to be told."""
        return self.status == "raised"

    @property
    def order(self) -> tuple[bool, bool, int, int, datetime, UUID]:
        """Return the place among other pages, the worst first; what concerns no incident counts as urgent."""
        severity = SEVERITIES.index(self.severity or "urgent")
        return (
            self.reason not in SAFETY, not self.grave, severity, -self.level, self.raised_at, self.message_id,
        )  # fmt: skip


class Pace(Struct, frozen=True):
    """The texts that a contact had: the last one, and how many within `WINDOW`."""

    last_at: datetime | None
    texts: int


def worst(pages: Sequence[Waiting]) -> Waiting | None:
    """Return the page that a text about several names; None where none stands any more."""
    return min((page for page in pages if page.stands), key=lambda page: page.order, default=None)


def next_text_at(pace: Pace, pages: Sequence[Waiting]) -> datetime | None:
    """Return when pages may be sent in one text; None where there is nothing to wait for."""
    if pace.last_at is None:
        return None
    standing = [page for page in pages if page.stands]
    presses = any(page.grave and not page.told for page in standing)
    hurries = pace.texts < BURST and not all(page.calm for page in standing)
    return pace.last_at + (GROUPED_FOR if presses or hurries else SUSTAINED)
