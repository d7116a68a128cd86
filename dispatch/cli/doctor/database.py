"""`dispatch doctor` on the database: its version and settings, its sessions, its clock, its tables."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from dispatch.cli.doctor import processes
from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import elapsed
from dispatch.domain.counting import counted
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.diagnosis import read_server
from dispatch.services.operations.heartbeats import processes as list_processes
from dispatch.storage.migrate import FOLDER, applied_names

OLDEST_VERSION = 15
CROWDED = 0.8
"""The share of connections in use from which on the next process may find none."""
OLD_TRANSACTION = timedelta(minutes=5)
MOST_DEAD = 50_000
"""Dead rows in a queue table from which on reading it becomes slow."""
MOST_OFFSET_S = 2.0
"""Seconds by which this host's clock may differ from the database's; Renfort goes by the database's."""


async def examine(uow: UnitOfWork, host_time: datetime) -> list[Finding]:
    """Check the server; `host_time` is this host's clock at the moment when the database's was read."""
    now = uow.clock.now()
    server = await read_server(uow.pool, MOST_DEAD)
    applications = [row["application_name"] for row in server.sessions if row["here"]]
    return [
        version(server.settings["version"]),
        durability(server.settings),
        connections(len(server.sessions), server.settings["max_connections"]),
        transactions(server.sessions, now),
        queues(server.bloated),
        *processes.examine(await list_processes(uow.pool), applications, now),
        clock(abs((host_time - now).total_seconds())),
        migrations(await applied_names(uow.pool), {path.name for path in FOLDER.glob("*.sql")}),
    ]


def version(number: int) -> Finding:
    """Judge the server's version, a number as in `server_version_num`."""
    major, minor = divmod(number, 10_000)
    if major < OLDEST_VERSION:
        return Finding(
            "database", "fail", f"version {major}.{minor} is too old: upgrade it to {OLDEST_VERSION}"
        )
    return Finding("database", "ok", f"answers, version {major}.{minor}")


def durability(server: Mapping[str, Any]) -> Finding:
    """Judge whether committed transactions survive a power cut."""
    unsafe = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if server[name] == "off"]
    if unsafe:
        lost = "a power cut loses accepted reports: set it on in postgresql.conf"
        return Finding("durability", "warn", f"{' and '.join(unsafe)} is off; {lost}")
    return Finding("durability", "ok", "committed transactions are on disk")


def connections(used: int, most: int) -> Finding:
    """Judge whether enough connections are left for another process."""
    usage = f"{used} of {most} connections in use"
    if used >= CROWDED * most:
        return Finding("connections", "warn", f"{usage}: raise max_connections, or stop processes")
    return Finding("connections", "ok", usage)


def transactions(sessions: Iterable[Mapping[str, Any]], now: datetime) -> Finding:
    """Find a transaction that is open so long that it prevents dead rows from being removed."""
    old = [(now - row["xact_start"], row) for row in sessions if row["xact_start"] is not None]
    age, row = max(old, key=lambda pair: pair[0], default=(timedelta(), None))
    if row is None or age < OLD_TRANSACTION:
        return Finding("transactions", "ok", "none is open for long")
    session = f"{row['application_name'] or 'an unnamed session'} (process {row['pid']})"
    cure = f"unless it is a backup, end it: SELECT pg_terminate_backend({row['pid']})"
    return Finding("transactions", "warn", f"{session} has one open for {elapsed(age)}; {cure}")


def queues(dead: Iterable[Mapping[str, Any]]) -> Finding:
    """Find queue tables with too many dead rows."""
    full = [f"{row['relname']} has {counted(row['n_dead_tup'], 'dead row')}" for row in dead]
    if full:
        return Finding("queues", "warn", f"{', '.join(full)}: is autovacuum on? VACUUM them")
    return Finding("queues", "ok", "vacuumed as they should be")


def clock(offset_s: float) -> Finding:
    """Compare this host's clock with the database's."""
    drift = f"{offset_s:.2f} s off the database's"
    if offset_s <= MOST_OFFSET_S:
        return Finding("clock", "ok", drift)
    return Finding("clock", "warn", f"{drift}: synchronise this host and the database server with NTP")


def migrations(applied: Collection[str], known: Collection[str]) -> Finding:
    """Compare the applied migrations with those of this version."""
    if missing := sorted(set(known) - set(applied)):
        return Finding("tables", "fail", f"{', '.join(missing)} not applied: run `dispatch migrate`")
    if newer := sorted(set(applied) - set(known)):
        return Finding("tables", "fail", f"{', '.join(newer)} come from a newer version: install it")
    return Finding("tables", "ok", f"{counted(len(applied), 'migration')} applied")
