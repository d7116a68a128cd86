"""`dispatch doctor` on the processes: whether every role runs, which processes are gone, and their versions."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import elapsed
from dispatch.runtime.roles import ROLES, roles_without_heartbeat
from dispatch.services.operations.heartbeats import Process

EARLIER = "an earlier release"
"""The version of processes that record no heartbeat."""


def examine(processes: Sequence[Process], applications: Iterable[str], now: datetime) -> Iterator[Finding]:
    """Check the recorded processes, and those of release 0.1.0 by the `application_name` of their sessions."""
    alive = [one for one in processes if not one.is_gone(now)]
    earlier = {role for name in applications for role in roles_without_heartbeat(name)}
    yield roles({role for one in alive for role in one.roles} | earlier)
    yield gone(unreplaced(processes, now), now)
    yield versions(alive, earlier=bool(earlier))
    yield partitions(alive)


def partitions(alive: Sequence[Process]) -> Finding:
    """Report the partitions that wait for a newer version, each with the process whose upgrade it waits for."""
    waiting = [f"{place} on {_place(one)}" for one in alive for place in one.waiting]
    if waiting:
        return Finding(
            "partitions", "warn", f"wait for a newer version: {'; '.join(waiting)}: upgrade the process"
        )
    return Finding("partitions", "ok", "none waits for a newer version")


def roles(running: set[str]) -> Finding:
    """Report the roles that no process has."""
    if not running:
        return Finding("processes", "fail", "none runs: `dispatch up`, or `dispatch run` for each role")
    if missing := [role for role in ROLES if role not in running]:
        lacking = f"none has the role {', '.join(missing)}: dispatch run {' '.join(missing)}"
        return Finding("processes", "fail", lacking)
    return Finding("processes", "ok", "every role runs somewhere")


def unreplaced(processes: Sequence[Process], now: datetime) -> list[Process]:
    """Return the processes that are gone and that no later one with the same roles has replaced.

    `processes` are in the order of their start. Each replaces one other process at most.
    """
    lost, later = [], list(processes)
    for one in sorted((one for one in processes if one.is_gone(now)), key=lambda one: one.seen_at):
        following = (it for it in later if it.started_at > one.seen_at and set(it.roles) == set(one.roles))
        if (replacement := next(following, None)) is None:
            lost.append(one)
        else:
            later.remove(replacement)
    return lost


def gone(lost: Sequence[Process], now: datetime) -> Finding:
    """Report the processes that are gone: where each ran, its roles, and since when."""
    if not lost:
        return Finding("heartbeats", "ok", "no process has disappeared")
    named = (
        f"{_place(one)} with {', '.join(one.roles)}, not seen for {elapsed(now - one.seen_at)}"
        for one in lost
    )
    return Finding("heartbeats", "warn", f"gone: {'; '.join(named)}: see its log and start it again")


def versions(alive: Sequence[Process], *, earlier: bool) -> Finding:
    """Report the versions of the running processes where they differ."""
    found: dict[str, list[str]] = {EARLIER: ["without heartbeats"]} if earlier else {}
    for one in alive:
        found.setdefault(f"{one.version}, generation {one.generation}", []).append(_place(one))
    if len(found) <= 1:
        return Finding("versions", "ok", next(iter(found), "no process runs"))
    listed = "; ".join(f"{version}: {', '.join(places)}" for version, places in found.items())
    return Finding("versions", "warn", f"{listed}: finish the upgrade")


def _place(one: Process) -> str:
    return f"{one.host} (process {one.pid})"
