"""`dispatch doctor` on what needs no service: the plans, the gateway's settings, the disk."""

import shutil

from dispatch.cli.doctor.finding import Finding, State
from dispatch.config import Settings
from dispatch.services.plans.plan_files import PlansError, load

GB = 1e9
SCARCE_GB, TOO_SCARCE_GB = 5.0, 0.5


def examine(settings: Settings) -> list[Finding]:
    """Check the plans, the gateway and the disk."""
    return [plans(settings), gateway(settings), disk(settings)]


def plans(settings: Settings) -> Finding:
    """Check that the plans can be read."""
    try:
        return Finding("plans", "ok", f"{len(load(settings.plans).plans)} plans")
    except PlansError as error:
        return Finding("plans", "fail", f"{error.problems[0]}; list all problems: dispatch plans check")


def gateway(settings: Settings) -> Finding:
    """Check that messages reach phones, that their links work, and that the gateway can report."""
    if not settings.kannel_url:
        return Finding("gateway", "warn", "simulated: no message reaches a phone; set DISPATCH_KANNEL_URL")
    if settings.public_url is None:
        return Finding("gateway", "fail", "links in messages do not work: set DISPATCH_PUBLIC_URL")
    if not settings.kannel_key.get_secret_value():
        made = "dispatch keys create --scope gateway:kannel"
        return Finding("gateway", "fail", f"Kannel cannot report: set DISPATCH_KANNEL_KEY, from {made}")
    return Finding("gateway", "ok", f"Kannel, links to {settings.links}")


def disk(settings: Settings) -> Finding:
    """Check the free space of the data folder's disk."""
    if not settings.folder.exists():
        return Finding("disk", "ok", f"{settings.folder} does not exist yet")
    total, _, free = shutil.disk_usage(settings.folder)
    space = f"{free / GB:.1f} GB free of {total / GB:.0f} at {settings.folder}"
    if free >= SCARCE_GB * GB:
        return Finding("disk", "ok", space)
    state: State = "warn" if free >= TOO_SCARCE_GB * GB else "fail"
    return Finding("disk", state, f"{space}: free some space; when the disk is full nothing is accepted")
