"""`dispatch doctor`: run every check and print the findings."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator

import asyncpg
import uvloop
from rich.text import Text

from dispatch.cli.addresses import read_addresses
from dispatch.cli.connection import unanswered
from dispatch.cli.doctor import (
    backup,
    configuration,
    database,
    kafka,
    organisations,
    queues,
    retention,
    sending,
    vocabulary,
)
from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import Json, print_json, screen, table
from dispatch.clock import Clock
from dispatch.config import Settings
from dispatch.services.access.organisations import listed
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.page_groups import page_rates
from dispatch.storage import outages
from dispatch.storage.pool import UNREACHABLE, open_pool

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
PATIENCE_S = 8.0


def doctor(*, json: Json = False) -> None:
    """Check the database, Kafka, the processes, the queues, the plans, the duty order, the gateway and the disk.

    Exit code 1 if a check fails; a warning alone is no failure.

    Example: dispatch doctor
    """
    environment = Settings()
    # The findings report the same errors in plain words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        findings = runner.run(_examine(read_addresses(environment), environment))
    if json:
        print_json([finding._asdict() for finding in findings])
    else:
        rows = ((f.what, Text(f.state, COLOURS[f.state]), f.detail) for f in findings)
        screen.print(table("doctor", ("what", "state", "detail"), rows))
    if any(finding.state == "fail" for finding in findings):
        sys.exit(1)


async def _examine(settings: Settings, environment: Settings) -> list[Finding]:
    cluster = asyncio.create_task(kafka.examine(settings, embedded=not environment.kafka))
    findings = [found async for found in _database(settings.postgres.get_secret_value(), environment)]
    return [*findings, *await cluster, *configuration.examine(settings)]


async def _database(dsn: str, environment: Settings) -> AsyncIterator[Finding]:
    if not dsn:
        yield Finding(
            "database", "fail", "no address is known: set DISPATCH_POSTGRES, or start `dispatch up`"
        )
        return
    pool: asyncpg.Pool | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            pool = await open_pool(dsn, application="renfort-doctor", size=2)
            async for found in _connected(pool, environment):
                yield found
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        yield Finding("tables", "fail", f"{error}: run `dispatch migrate`")
    except UNREACHABLE as error:
        yield Finding("database", "fail", unanswered(error, environment))
    finally:
        if pool is not None:
            pool.terminate()


async def _connected(pool: asyncpg.Pool, environment: Settings) -> AsyncIterator[Finding]:
    host, clock = Clock(), Clock()
    await clock.sample(pool)
    uow = UnitOfWork(pool, clock)
    for found in await database.examine(uow, host_time=host.now()):
        yield found
    for found in await queues.examine(uow):
        yield found
    for found in sending.examine(await outages.listed(pool, clock.now()), clock.now()):
        yield found
    for found in await configuration.channels(uow, environment):
        yield found
    for found in await configuration.gateway_keys(uow, environment):
        yield found
    yield await retention.examine(uow)
    if not environment.postgres.get_secret_value():
        yield await backup.examine(uow, environment)
    for found in organisations.examine(await listed(uow)):
        yield found
    for found in organisations.paging(await page_rates(pool, clock.now())):
        yield found
    yield await vocabulary.examine(uow, environment)
