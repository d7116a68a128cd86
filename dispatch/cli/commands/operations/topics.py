"""`dispatch topics`: create the declared topics and check those that exist."""

import asyncio

from aiokafka.errors import KafkaError
from cyclopts import App

from dispatch.cli.addresses import read_addresses
from dispatch.cli.output import Json, fail, print_json, screen
from dispatch.config import MisuseError, Settings
from dispatch.kafka_security import Security
from dispatch.storage.pool import describe
from producers.kafka.errors import ClusterError
from producers.kafka.topics import ensure

topics = App(name="topics", help="Create and check the declared topics.")


@topics.command(name="ensure")
def ensure_topics(*, json: Json = False) -> None:
    """Create the declared topics that are missing, and check the partition counts of the others.

    Example: DISPATCH_KAFKA=localhost:9092 dispatch topics ensure
    """
    environment = Settings()
    settings = read_addresses(environment)
    if not settings.kafka:
        raise MisuseError("no Kafka address is known: set DISPATCH_KAFKA, or start `dispatch up`")
    try:
        created = asyncio.run(_ensure(settings, embedded=not environment.kafka))
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
    return await ensure(
        settings.kafka,
        replication=settings.replication,
        min_insync=settings.min_insync,
        embedded=embedded,
        security=Security.of(settings),
    )
