"""`dispatch up`: everything in one process, with embedded services where none are named."""

import asyncio
from collections.abc import Sequence

import structlog
import uvloop
from cyclopts import App
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dispatch.cli.connection import fail, write_addresses
from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings, token_secret
from dispatch.embedded import EmbeddedServiceError
from dispatch.gateways.kannel.client import KannelGateway, KannelSettings
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.logs import configure
from dispatch.runtime import hosting
from dispatch.runtime.hosting import Embedded
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.node import ROLES, Node, Role, Wiring
from dispatch.security import NO_TLS_WARNING, UNSECURED, Security
from dispatch.services.access.bootstrap import Founded, found
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway import Gateway, Outgoing
from dispatch.services.plans.plan_files import load

up = App(name="up", help="Start everything: embedded where nothing is configured. Example: dispatch up")
screen = Console(highlight=False)
READY_PATIENCE_S = 30.0
KEPT = 1_000
"""Messages that the silent phones keep: they are shown as they come, and this process lives long."""
log = structlog.get_logger()


@up.default
def start() -> None:
    """Start everything and stay until stopped; print the addresses and, once, the first keys."""
    settings = Settings()
    configure(settings.log)
    hosting.require_free(settings.host, settings.port)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_up(settings))
    except EmbeddedServiceError as error:
        fail(str(error))


async def _up(settings: Settings) -> None:
    dsn = settings.postgres.get_secret_value()
    stopping = asyncio.Event()
    hosting.stop_on_signals(stopping)
    async with hosting.embedded(
        settings.folder, postgres=not dsn, broker=not settings.kafka, backup=settings.backups
    ) as services:
        node = Node(wiring(settings, services), Clock())
        await node.start()
        write_addresses(
            settings.folder, postgres=node.wiring.dsn, kafka=node.wiring.cluster.bootstrap,
            http=f"http://{settings.http}",
        )  # fmt: skip
        greeting = asyncio.create_task(_greet(node, settings))
        try:
            await hosting.until_stopped(node, services, stopping)
        finally:
            greeting.cancel()


def wiring(
    settings: Settings, services: Embedded, roles: Sequence[Role] = ROLES, *, migrates: bool = True
) -> Wiring:
    """Wire one process for what the settings and the embedded services offer."""
    dsn = services.postgres.url() if services.postgres else settings.postgres.get_secret_value()
    bootstrap = services.broker.address if services.broker else settings.kafka
    cluster = Cluster(
        bootstrap, services.broker is not None, settings.replication, settings.min_insync,
        security=security(settings),
    )  # fmt: skip
    return Wiring(
        dsn=dsn,
        cluster=cluster,
        host=settings.host,
        port=settings.port,
        links=settings.links,
        secret=token_secret(settings.folder),
        intake=Intake(load(settings.plans), guarded=settings.guarded_topic),
        gateways={"sms": gateway(settings)},
        roles=roles,
        migrates=migrates,
        kept=settings.kept,
    )


def security(settings: Settings) -> Security:
    """Read how Kafka is reached; raises MisuseError where that is set for the embedded one, which is not secured."""
    found = Security.of(settings)
    if not settings.kafka and found != UNSECURED:
        raise MisuseError(
            "TLS or a password for Kafka is set, and no Kafka: set DISPATCH_KAFKA, or unset DISPATCH_KAFKA_…; "
            "the embedded broker has neither"
        )
    if found.password_in_clear:
        log.warning("Kafka gets a password without TLS", hint=NO_TLS_WARNING)
    return found


def gateway(settings: Settings) -> Gateway:
    """Choose Kannel where it is configured; else phones that stay silent, each message printed with its link."""
    if not settings.kannel_url:
        return SimulatedGateway(printer=_print_message, most=KEPT)
    if settings.public_url is None:
        msg = "a real gateway needs DISPATCH_PUBLIC_URL: the links in messages must be reachable from a phone"
        raise MisuseError(msg)
    key = settings.kannel_key.get_secret_value()
    if not key:
        msg = "Kannel needs DISPATCH_KANNEL_KEY to report with: dispatch keys create --scope gateway:kannel"
        raise MisuseError(msg)
    receipts = f"{settings.links}/v1/gateways/kannel/receipts?key={key}"
    return KannelGateway(
        KannelSettings(
            settings.kannel_url,
            settings.kannel_username,
            settings.kannel_password,
            settings.kannel_sender,
            receipts,
        )
    )


def _print_message(message: Outgoing) -> None:
    screen.print(f"[bold cyan]SMS to {message.to}[/]  {escape(message.text)}", soft_wrap=True)


async def _greet(node: Node, settings: Settings) -> None:
    while not node.ready()["postgres"]:
        await asyncio.sleep(0.05)
    founded = await found(node.uow)
    for holder, key in founded.keys.items():
        screen.print(f"key of [bold]{holder}[/] (shown once): {key}", soft_wrap=True)
    await node.until_ready(READY_PATIENCE_S)
    screen.print(_addresses(settings, node, founded))
    state = "ready" if all(node.ready().values()) else f"not ready yet: {node.ready()}"
    screen.print(f"[green]{state}[/]  Stop with Ctrl-C.")


def _addresses(settings: Settings, node: Node, founded: Founded) -> Table:
    table = Table(title="Renfort", show_header=False)
    table.add_row("HTTP", f"http://{settings.http}")
    table.add_row("stream", f"http://{settings.http}/v1/stream")
    table.add_row("organisation", str(founded.organisation))
    table.add_row("Kafka", node.wiring.cluster.bootstrap)
    table.add_row("data", str(settings.folder))
    return table
