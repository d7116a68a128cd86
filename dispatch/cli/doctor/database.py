"""`dispatch doctor` on the database server: its version and settings, its sessions, and who works on it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import elapsed
from dispatch.runtime.node import ROLES, roles_in
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql

OLDEST_VERSION = 15
CROWDED = 0.8
"""The share of connections in use from which on the next process may find none."""
OLD_TRANSACTION = timedelta(minutes=5)
MOST_DEAD = 50_000
"""Dead rows in a queue table from which on reading it becomes slow."""


async def examine(uow: UnitOfWork) -> list[Finding]:
    """Look at what the server tells of itself."""
    server = await uow.pool.fetchrow(sql("server_settings"))
    sessions = [dict(row) for row in await uow.pool.fetch(sql("sessions"))]
    dead = [dict(row) for row in await uow.pool.fetch(sql("dead_rows"), MOST_DEAD)]
    assert server is not None  # noqa: S101 - one row of settings, always
    return [
        version(server["version"]),
        durability(dict(server)),
        connections(len(sessions), server["max_connections"]),
        transactions(sessions, uow.clock.now()),
        queues(dead),
        roles(row["application_name"] for row in sessions if row["here"]),
    ]


def version(number: int) -> Finding:
    """Judge the server's version, as `server_version_num` gives it."""
    major, minor = divmod(number, 10_000)
    if major < OLDEST_VERSION:
        return Finding(
            "database", "fail", f"version {major}.{minor} is too old: upgrade it to {OLDEST_VERSION}"
        )
    return Finding("database", "ok", f"answers, version {major}.{minor}")


def durability(server: Mapping[str, Any]) -> Finding:
    """Tell whether what is committed survives a power cut."""
    unsafe = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if server[name] == "off"]
    if unsafe:
        lost = "a power cut loses accepted reports: set it on in postgresql.conf"
        return Finding("durability", "warn", f"{' and '.join(unsafe)} is off; {lost}")
    return Finding("durability", "ok", "what is committed is on disk")


def connections(used: int, most: int) -> Finding:
    """Tell whether the next process will find connections."""
    told = f"{used} of {most} connections in use"
    if used >= CROWDED * most:
        return Finding("connections", "warn", f"{told}: raise max_connections, or stop what is not needed")
    return Finding("connections", "ok", told)


def transactions(sessions: Iterable[Mapping[str, Any]], now: datetime) -> Finding:
    """Find what is open so long that no dead row can be cleared away."""
    old = [(now - row["xact_start"], row) for row in sessions if row["xact_start"] is not None]
    age, row = max(old, key=lambda pair: pair[0], default=(timedelta(), None))
    if row is None or age < OLD_TRANSACTION:
        return Finding("transactions", "ok", "none is open for long")
    who = f"{row['application_name'] or 'somebody'} (process {row['pid']})"
    cure = f"unless it is a backup, end it: SELECT pg_terminate_backend({row['pid']})"
    return Finding("transactions", "warn", f"{who} has one open for {elapsed(age)}; {cure}")


def queues(dead: Iterable[Mapping[str, Any]]) -> Finding:
    """Find queue tables that are full of rows that are no more."""
    full = [f"{row['relname']} has {row['n_dead_tup']} dead rows" for row in dead]
    if full:
        return Finding("queues", "warn", f"{', '.join(full)}: is autovacuum on? VACUUM them")
    return Finding("queues", "ok", "cleared as they should be")


def roles(applications: Iterable[str]) -> Finding:
    """Find roles that no process has."""
    running = {role for name in applications for role in roles_in(name)}
    if not running:
        return Finding("processes", "fail", "none runs: `dispatch up`, or `dispatch run` for each role")
    if missing := [role for role in ROLES if role not in running]:
        told = f"none has the role {', '.join(missing)}: dispatch run {' '.join(missing)}"
        return Finding("processes", "fail", told)
    return Finding("processes", "ok", "every role runs somewhere")


def reading(rows: Sequence[Mapping[str, Any]]) -> Finding:
    """Tell whether what was said a minute ago has been heard by all who must."""
    behind = Counter(row["consumer"] for row in rows)
    if not behind:
        return Finding("reading", "ok", "what is older than a minute is taken in")
    told = ", ".join(f"{reader} {count}" for reader, count in behind.most_common())
    advice = "do their processes live, or do their logs say to upgrade?"
    return Finding("reading", "fail", f"events not taken in for a minute, by reader: {told}: {advice}")
