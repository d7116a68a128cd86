"""Stale reports: what happened too long before it was accepted asks nobody until a supervisor confirms it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas.base import Mode, Severity
from schemas.plans import Plan

STALE = "stale_report"
"""The reason for which the incident awaits confirmation, and the reason of its escalation."""
STALE_AFTER: Mapping[Severity, timedelta] = {
    "life_threatening": timedelta(minutes=15),
    "urgent": timedelta(minutes=15),
    "routine": timedelta(hours=2),
}
"""The bounds of plans that name none."""


def stale_after(plan: Plan, severity: Severity) -> timedelta | None:
    """Return the age at which a report under a plan is stale; None where it never is."""
    if plan.stale_after_s is not None:
        return timedelta(seconds=plan.stale_after_s)
    return None if plan.lane == "planned" else STALE_AFTER[severity]


def is_stale(
    plan: Plan, severity: Severity, mode: Mode, occurred_at: datetime, accepted_at: datetime
) -> bool:
    """Return whether a report asks nobody yet; its age counts until it was accepted, not until it is processed."""
    bound = stale_after(plan, severity) if mode == "actual" and plan.asks else None
    return bound is not None and accepted_at - occurred_at > bound


def is_late(plan: Plan, severity: Severity, accepted_at: datetime, now: datetime) -> bool:
    """Return whether so much time has passed since a report was accepted that it would be stale if sent now."""
    bound = stale_after(plan, severity) if plan.asks else None
    return bound is not None and now - accepted_at > bound
