"""`dispatch doctor`: what works, what is late, and what is missing."""

import asyncio
import logging
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import asyncpg
import uvloop
from aiokafka.errors import KafkaError
from rich.text import Text

from dispatch.cli.connection import read_addresses
from dispatch.cli.doctor import database, kafka, upkeep
from dispatch.cli.doctor.finding import Finding, State
from dispatch.cli.output import Json, counted, elapsed, print_json, screen, table
from dispatch.clock import Clock
from dispatch.config import Settings
from dispatch.security import OVERHEARD, Security, SecurityError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake.admission import FEW, HORIZON, PATIENCE
from dispatch.services.operations.auditing import unread
from dispatch.services.plans.plan_files import PlansError, load
from dispatch.services.subscriptions import READERS
from dispatch.storage.migrate import FOLDER
from dispatch.storage.pool import UNREACHABLE, describe, open_pool
from dispatch.storage.queries import sql
from producers.kafka.errors import KafkaAccessError
from producers.kafka.topics import administration
from schemas.topics import TOPICS

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
PATIENCE_S = 8.0
OFFSET_S = 2.0
"""Seconds by which this host's clock may differ from the database's; Renfort goes by the database's."""
LATE_S, TOO_LATE_S = 2.0, 30.0
"""Seconds that something may wait before it is remarkable, and before it is wrong."""
GB = 1e9
SCARCE_GB, TOO_SCARCE_GB = 5.0, 0.5
COUNTED = 10_000
"""A longer backlog is told as this long."""


def doctor(*, json: Json = False) -> None:
    """Check the database, Kafka, the processes, what waits, the plans, the duty order, the gateway and the disk.

    Exit code 1 where something fails; a warning alone is no failure.

    Example: dispatch doctor
    """
    given = Settings()
    # It is told below, in other words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        findings = runner.run(_examine(read_addresses(given), embedded=not given.kafka))
    if json:
        print_json([finding._asdict() for finding in findings])
    else:
        rows = ((f.what, Text(f.state, COLOURS[f.state]), f.detail) for f in findings)
        screen.print(table("doctor", ("what", "state", "detail"), rows))
    if any(finding.state == "fail" for finding in findings):
        sys.exit(1)


async def _examine(settings: Settings, *, embedded: bool) -> list[Finding]:
    kafka = asyncio.create_task(_cluster(settings, embedded=embedded))
    findings = [found async for found in _database(settings.postgres.get_secret_value())]
    return [*findings, *await kafka, _plans(settings), _gateway(settings), _disk(settings)]


async def _database(dsn: str) -> AsyncIterator[Finding]:
    if not dsn:
        yield Finding("database", "fail", "none is known: set DISPATCH_POSTGRES, or start `dispatch up`")
        return
    pool: asyncpg.Pool | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            pool = await open_pool(dsn, application="renfort-doctor", size=2)
            async for found in _inside(pool):
                yield found
    except asyncpg.UndefinedTableError as error:
        yield Finding("tables", "fail", f"{error}: run `dispatch migrate`")
    except UNREACHABLE as error:
        yield Finding("database", "fail", f"does not answer: {describe(error)}")
    finally:
        if pool is not None:
            pool.terminate()


async def _inside(pool: asyncpg.Pool) -> AsyncIterator[Finding]:
    host, clock = Clock(), Clock()
    await clock.sample(pool)
    offset = abs((host.now() - clock.now()).total_seconds())
    uow = UnitOfWork(pool, clock)
    for found in await database.examine(uow):
        yield found
    drift = f"{offset:.2f} s off the database's"
    if offset <= OFFSET_S:
        yield Finding("clock", "ok", drift)
    else:
        yield Finding("clock", "warn", f"{drift}: let NTP set this host's clock, and the database's")
    yield await _tables(pool)
    for found in await _waiting(uow):
        yield found
    for found in await upkeep.examine(uow):
        yield found
    for found in _houses(await pool.fetch(sql("list_organisations"))):
        yield found


async def _tables(pool: asyncpg.Pool) -> Finding:
    applied = {row["name"] for row in await pool.fetch(sql("applied_migrations"))}
    known = {path.name for path in FOLDER.glob("*.sql")}
    if missing := sorted(known - applied):
        return Finding("tables", "fail", f"{', '.join(missing)} not applied: run `dispatch migrate`")
    if newer := sorted(applied - known):
        return Finding("tables", "fail", f"{', '.join(newer)} come from a newer version: install it")
    return Finding("tables", "ok", f"{len(applied)} migrations applied")


async def _waiting(uow: UnitOfWork) -> list[Finding]:
    now = uow.clock.now()
    row = await uow.pool.fetchrow(sql("backlog"), now)
    assert row is not None  # noqa: S101 - one row of counts, always
    parked = Finding("parking", "ok", "nothing")
    if row["parked"]:
        since = elapsed(now - row["parked_since"])
        told = f"{row['parked']} to be seen to, the oldest since {since}: dispatch parking list"
        parked = Finding("parking", "warn", told)
    return [
        await _load(uow.pool, now),
        _late("outbox", row["unpublished"], row["unpublished_since"], now, "is the relay running?"),
        _late("agenda", row["overdue"], row["overdue_since"], now, "is the agenda running?"),
        database.reading([dict(row) for row in await unread(uow.pool, READERS, now)]),
        parked,
    ]


async def _load(pool: asyncpg.Pool, now: datetime) -> Finding:
    waiting = await pool.fetchval(sql("count_backlog"), now - HORIZON, now - PATIENCE, COUNTED)
    if waiting < FEW:
        return Finding("load", "ok", f"{counted(waiting, 'report')} waiting for a turn")
    advice = "routine ones may be refused; start more processes of the roles reports, incidents and agenda"
    return Finding("load", "warn", f"{waiting} reports wait for their turn: {advice}")


def _late(what: str, count: int, since: datetime | None, now: datetime, question: str) -> Finding:
    if since is None:
        return Finding(what, "ok", "nothing waits")
    seconds = (now - since).total_seconds()
    state: State = "ok" if seconds < LATE_S else "warn" if seconds < TOO_LATE_S else "fail"
    asked = "" if state == "ok" else f": {question}"
    return Finding(what, state, f"{count} waiting, the oldest for {seconds:.1f} s{asked}")


def _houses(rows: list[asyncpg.Record]) -> Iterator[Finding]:
    if not rows:
        yield Finding("organisations", "warn", "none yet: dispatch organisations create NAME")
    for row in rows:
        name = f"duty of {row['name']}"
        if row["duty"]:
            yield Finding(name, "ok", f"{counted(row['duty'], 'supervisor')} in order")
        else:
            yield Finding(name, "fail", "nobody would be told: dispatch duty set --contact 'Name:+33…'")
        if row["paused_at"]:
            yield Finding(f"offers of {row['name']}", "warn", "paused: dispatch resume")


async def _kafka(bootstrap: str, security: Security) -> Finding:
    if not bootstrap:
        return Finding("Kafka", "fail", "none is known: set DISPATCH_KAFKA, or start `dispatch up`")
    try:
        async with asyncio.timeout(PATIENCE_S), administration(bootstrap, security) as admin:
            found = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    except KafkaAccessError as error:
        return Finding("Kafka", "fail", str(error))
    except (KafkaError, OSError, TimeoutError) as error:
        return Finding("Kafka", "fail", f"{bootstrap} does not answer: {describe(error)}")
    return _topics(bootstrap, found, security)


def _topics(bootstrap: str, found: dict[str, int], security: Security) -> Finding:
    wrong = [
        f"{topic.name} has {found.get(topic.name, 0)} partitions, not {topic.partitions}"
        for topic in TOPICS
        if found.get(topic.name) != topic.partitions
    ]
    if wrong:
        return Finding("Kafka", "fail", f"{'; '.join(wrong)}: dispatch topics ensure")
    answers = f"{bootstrap} answers, {len(TOPICS)} topics as declared"
    if security.overheard:
        return Finding("Kafka", "warn", f"{answers}; a password without TLS: {OVERHEARD}")
    return Finding("Kafka", "ok", answers)


async def _cluster(settings: Settings, *, embedded: bool) -> list[Finding]:
    """Look closer at a cluster that answers and has the topics."""
    try:
        security = Security.of(settings)
    except SecurityError as error:
        return [Finding("Kafka", "fail", str(error))]
    found = await _kafka(settings.kafka, security)
    if found.state == "fail":
        return [found]
    if embedded:
        return [
            found,
            Finding("consumers", "ok", "not asked: the embedded broker does not say where they are"),
        ]
    findings = [found]
    try:
        async with asyncio.timeout(PATIENCE_S), administration(settings.kafka, security) as admin:
            findings.append(kafka.copies(await admin.describe_topics(), settings))
            findings.append(await kafka.topic_settings(admin, settings))
            findings.append(kafka.consumers(await kafka.behind(admin, settings.kafka, security)))
    except (KafkaError, OSError, TimeoutError) as error:
        unsaid = f"the cluster does not say how far behind they are: {describe(error)}"
        findings.append(Finding("consumers", "warn", unsaid))
    return findings


def _plans(settings: Settings) -> Finding:
    try:
        return Finding("plans", "ok", f"{len(load(settings.plans).plans)} plans")
    except PlansError as error:
        return Finding("plans", "fail", f"{error.problems[0]}; all of them: dispatch plans check")


def _gateway(settings: Settings) -> Finding:
    if not settings.kannel_url:
        return Finding("gateway", "warn", "simulated: no message reaches a phone; set DISPATCH_KANNEL_URL")
    if settings.public_url is None:
        return Finding("gateway", "fail", "links in messages lead nowhere: set DISPATCH_PUBLIC_URL")
    if not settings.kannel_key.get_secret_value():
        made = "dispatch keys create --scope gateway:kannel"
        return Finding("gateway", "fail", f"Kannel cannot report: set DISPATCH_KANNEL_KEY, from {made}")
    return Finding("gateway", "ok", f"Kannel, links to {settings.links}")


def _disk(settings: Settings) -> Finding:
    if not settings.folder.exists():
        return Finding("disk", "ok", f"{settings.folder} is not made yet")
    total, _, free = shutil.disk_usage(settings.folder)
    told = f"{free / GB:.1f} GB free of {total / GB:.0f} at {settings.folder}"
    if free >= SCARCE_GB * GB:
        return Finding("disk", "ok", told)
    state: State = "warn" if free >= TOO_SCARCE_GB * GB else "fail"
    return Finding("disk", state, f"{told}: make room, where it is full nothing is accepted")
