"""`dispatch doctor` on the configuration: the plans, the gateways and the channels that they serve, the disk."""

import shutil

from dispatch.cli.addresses import FIRST_KEYS
from dispatch.cli.doctor.finding import Finding, State
from dispatch.config import CLEAR_LINKS_WARNING, MisuseError, Settings
from dispatch.domain.counting import counted
from dispatch.gateways import providers
from dispatch.runtime.wiring import gateways
from dispatch.services.access import keys
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.unserved_channels import unserved_channels
from dispatch.services.plans.plan_files import PlansError, load

GB = 1e9
SCARCE_GB, TOO_SCARCE_GB = 5.0, 0.5


def examine(settings: Settings) -> list[Finding]:
    """Check the plans, the gateway and the disk."""
    return [plans(settings), gateway(settings), disk(settings), *first_keys(settings)]


def plans(settings: Settings) -> Finding:
    """Check that the plans can be read."""
    try:
        return Finding("plans", "ok", counted(len(load(settings.plans).plans), "plan"))
    except PlansError as error:
        return Finding("plans", "fail", f"{error.problems[0]}; list all problems: dispatch plans check")


def gateway(settings: Settings) -> Finding:
    """Check that messages reach phones, that their links work, and that the gateways can report."""
    try:
        registry = gateways(settings, lambda _message: None)
    except MisuseError as error:
        return Finding("gateway", "fail", str(error))
    if all(one.capabilities.simulated for one in registry):
        switches = " or ".join(one.switch for one in providers() if one.switch)
        return Finding("gateway", "warn", f"simulated: no message reaches a phone; set {switches}")
    if settings.links_in_clear:
        return Finding("gateway", "warn", f"links begin with {settings.links}: {CLEAR_LINKS_WARNING}")
    served = ", ".join(f"{one.name} ({', '.join(one.capabilities.channels)})" for one in registry)
    return Finding("gateway", "ok", f"{served}, links to {settings.links}")


def first_keys(settings: Settings) -> list[Finding]:
    """Name the file of the first keys where it was not deleted."""
    path = settings.folder / FIRST_KEYS
    found = f"{path} still holds the first keys: store them elsewhere and delete the file"
    return [Finding("first keys", "warn", found)] if path.exists() else []


async def channels(uow: UnitOfWork, settings: Settings) -> list[Finding]:
    """Name each channel that no gateway serves, where messages wait for it or were skipped within the last day."""
    try:
        served = gateways(settings, lambda _message: None).by_channel
    except MisuseError:
        return []
    return [
        Finding(
            f"channel {one.channel}", "fail" if one.waiting else "warn",
            f"no gateway serves it: {counted(one.waiting, 'message')} waiting, {one.skipped} skipped within a day",
        )
        for one in await unserved_channels(uow.pool, served, uow.clock.now())
    ]  # fmt: skip


async def gateway_keys(uow: UnitOfWork, settings: Settings) -> list[Finding]:
    """Name each organisation for which no key of a gateway acts."""
    try:
        names = [gateway.name for gateway in gateways(settings, lambda _message: None)]
    except MisuseError:
        return []
    return [
        Finding(
            f"gateway {name}", "warn",
            f"no key of it acts for {organisation}, whose people's answers and receipts are not read: "
            f"dispatch keys create --scope gateway:{name} --installation",
        )
        for name, organisation in await keys.without_gateway_key(uow, names)
    ]  # fmt: skip


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
