"""`dispatch doctor` on work that waits: reports, the outbox, the agenda, unread events, parked messages."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from dispatch.cli.doctor.finding import Finding, State
from dispatch.cli.output import elapsed
from dispatch.domain.counting import counted
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import REOPEN_BELOW, count_backlog
from dispatch.services.operations.auditing import unread
from dispatch.services.operations.diagnosis import read_queues
from dispatch.services.subscriptions import READERS

LATE_S, TOO_LATE_S = 2.0, 30.0
"""Seconds of waiting from which on a queue is a warning, and a failure."""
MOST_COUNTED = 10_000
"""A longer backlog is reported as this long."""


async def examine(uow: UnitOfWork) -> list[Finding]:
    """Check how much waits in each queue, and for how long."""
    now = uow.clock.now()
    found = await read_queues(uow.pool, now)
    return [
        load(await count_backlog(uow.pool, now, MOST_COUNTED)),
        late("outbox", found["unpublished"], found["unpublished_since"], now),
        late("agenda", found["overdue"], found["overdue_since"], now),
        reading(row["consumer"] for row in await unread(uow.pool, READERS, now)),
        parking(found["parked"], found["parked_since"], now),
    ]


def load(waiting: int) -> Finding:
    """Judge the number of reports that have waited too long for their turn."""
    if waiting < REOPEN_BELOW:
        return Finding("load", "ok", f"{counted(waiting, 'report')} waiting for a turn")
    advice = "routine ones may be refused; start more processes of the roles reports, incidents and agenda"
    return Finding("load", "warn", f"{waiting} reports wait for their turn: {advice}")


def late(what: str, count: int, since: datetime | None, now: datetime) -> Finding:
    """Judge a queue by how long its oldest entry has waited."""
    if since is None:
        return Finding(what, "ok", "nothing waits")
    seconds = (now - since).total_seconds()
    state: State = "ok" if seconds < LATE_S else "warn" if seconds < TOO_LATE_S else "fail"
    advice = {"outbox": "is the relay running?", "agenda": "is the agenda running?"}[what]
    detail = f"{count} waiting, the oldest for {seconds:.1f} s"
    return Finding(what, state, detail if state == "ok" else f"{detail}: {advice}")


def reading(unread_by: Iterable[str]) -> Finding:
    """Report the consumers that have not processed an event within a minute; one name for each such event."""
    behind = Counter(unread_by)
    if not behind:
        return Finding("reading", "ok", "every event is processed within a minute")
    counts = ", ".join(f"{consumer} {count}" for consumer, count in behind.most_common())
    advice = "are their processes running, or do their logs say to upgrade?"
    return Finding("reading", "fail", f"events not processed for a minute, by consumer: {counts}: {advice}")


def parking(count: int, since: datetime | None, now: datetime) -> Finding:
    """Report the parked messages that nobody has resolved."""
    if since is None:
        return Finding("parking", "ok", "nothing is parked")
    oldest = f"the oldest since {elapsed(now - since)}"
    return Finding(
        "parking", "warn", f"{counted(count, 'message')} to resolve, {oldest}: dispatch parking list"
    )
