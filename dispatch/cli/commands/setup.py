"""What an installation stands on: its tables, its topics, its plans."""

import asyncio
import sys
from pathlib import Path

from aiokafka.errors import KafkaError
from cyclopts import App

from dispatch.cli.connection import fail, read_addresses, run
from dispatch.cli.output import Json, print_json, problem, screen, table
from dispatch.config import MisuseError, Settings
from dispatch.security import Security
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.ingest.restore_epochs import current_epoch
from dispatch.services.plans.plan_files import PlansError, load
from dispatch.storage.migrate import MigrationError
from dispatch.storage.migrate import migrate as apply
from dispatch.storage.pool import describe
from producers.kafka.errors import ClusterError
from producers.kafka.topics import ensure
from schemas.plans import Plan

topics = App(name="topics", help="Make the declared topics exist.")
plans = App(name="plans", help="Check response plans.")


def migrate(*, json: Json = False) -> None:
    """Bring the tables up to this version; safe to run again, and in several places at once.

    Example: dispatch migrate
    """
    dsn = read_addresses(Settings()).postgres.get_secret_value()

    async def work(uow: UnitOfWork) -> list[str]:
        # Over a connection of its own: a migration may take longer than a statement otherwise may.
        applied = await apply(dsn)
        await current_epoch(uow)
        return applied

    try:
        applied = run(work)
    except MigrationError as error:
        fail(str(error))
    if json:
        print_json({"applied": applied})
        return
    for name in applied:
        screen.print("[green]applied[/]", name)
    screen.print("The tables are up to date.")


@topics.command(name="ensure")
def ensure_topics(*, json: Json = False) -> None:
    """Create the declared topics that are missing, and check the partitions of the others.

    Example: DISPATCH_KAFKA=localhost:9092 dispatch topics ensure
    """
    given = Settings()
    settings = read_addresses(given)
    if not settings.kafka:
        raise MisuseError("no Kafka is known: set DISPATCH_KAFKA, or start `dispatch up`")
    try:
        created = asyncio.run(_ensure(settings, embedded=not given.kafka))
    except ClusterError as error:
        fail(str(error))
    except (KafkaError, TimeoutError) as error:
        fail(f"Kafka at {settings.kafka} does not answer: {describe(error)}")
    if json:
        print_json({"created": created})
        return
    for name in created:
        screen.print("[green]created[/]", name)
    screen.print("The topics are as declared.")


async def _ensure(settings: Settings, *, embedded: bool) -> list[str]:
    copies, least = settings.replication, settings.min_insync
    security = Security.of(settings)
    return await ensure(
        settings.kafka, replication=copies, min_insync=least, embedded=embedded, security=security
    )


@plans.command
def check(folder: Path | None = None, *, json: Json = False) -> None:
    """Read the plans of a folder and name everything that is wrong, by file, line and field.

    Example: dispatch plans check ./plans

    Parameters
    ----------
    folder
        Where the plans are; without it DISPATCH_PLANS, else the plans that are shipped.
    """
    try:
        book = load(folder or Settings().plans)
    except PlansError as error:
        if json:
            print_json({"problems": error.problems})
        for found in error.problems:
            problem(str(found))
        sys.exit(1)
    if json:
        print_json({"plans": book.plans})
        return
    columns = ("plan", "kinds", "professionals", "seats", "radii", "window", "steps")
    screen.print(table("response plans", columns, map(_row, book.plans)))


def _row(plan: Plan) -> tuple[object, ...]:
    seats = ", ".join(f"{seat.count} {seat.role}" for seat in plan.seats) or "asks nobody"
    radii = " → ".join(f"{radius / 1000:g} km" for radius in plan.search.radii_m)
    steps = ", ".join(f"{step.after_s} s: level {step.level}" for step in plan.steps)
    kinds = ", ".join(plan.kinds) or "all others"
    return plan.name, kinds, plan.professional, seats, radii, f"{plan.offers.window_s} s", steps
