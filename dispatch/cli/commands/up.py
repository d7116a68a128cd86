"""`dispatch up`: all roles in one process, with embedded services where no addresses are set."""

import asyncio
import os
import sys

import uvloop
from cyclopts import App
from rich.markup import escape
from rich.table import Table

from dispatch.cli.addresses import write_addresses, write_first_keys
from dispatch.cli.output import fail, warning
from dispatch.cli.terminal import Terminal
from dispatch.clock import Clock
from dispatch.config import Settings
from dispatch.embedded import EmbeddedServiceError
from dispatch.logs import configure
from dispatch.runtime import embedded_services, hosting
from dispatch.runtime.node import Node
from dispatch.runtime.wiring import wiring
from dispatch.services.access.bootstrap import Bootstrap, bootstrap
from dispatch.services.messaging.gateway import OutboundText

up = App(name="up", help="Run everything, with embedded services unless configured. Example: dispatch up")
screen = Terminal(highlight=False)
READY_PATIENCE_S = 30.0
NEXT = (
    "Next, in another terminal: dispatch duty set --contact 'NAME:+336…', "
    "dispatch organisations set --name NAME, dispatch doctor. Step by step: docs/town-hall.md"
)
CHANNEL_NAMES = {"sms": "SMS", "voice": "Call", "push": "Push", "email": "E-mail"}


@up.default
def start() -> None:
    """Run all roles until stopped; print the addresses and, the first time, the first keys."""
    settings = Settings()
    configure(settings.log)
    hosting.require_free(settings.host, settings.port)
    warn_of_root(settings)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_up(settings))
    except EmbeddedServiceError as error:
        fail(str(error))


def warn_of_root(settings: Settings) -> None:
    """Say what it means to run as root, and which user the database has then."""
    if os.geteuid() != 0:
        return
    warning(
        "running as root: a fault in Renfort, or whoever gets in by one, has the whole computer. Start it as a user of "
        "its own, to whom DISPATCH_DATA belongs."
    )
    if not settings.postgres.get_secret_value():
        user = embedded_services.database_user(settings.folder)
        warning(
            f"The embedded PostgreSQL, which refuses root, runs as the user {user!r}, who can read its files."
        )


async def _up(settings: Settings) -> None:
    dsn = settings.postgres.get_secret_value()
    stopping = asyncio.Event()
    hosting.stop_on_signals(stopping)
    async with embedded_services.embedded(
        settings.folder, postgres=not dsn, broker=not settings.kafka, backup=settings.backups
    ) as services:
        node = Node(wiring(settings, services, show), Clock())
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


def show(message: OutboundText) -> None:
    """Print a message that reaches nobody, with its link."""
    channel = CHANNEL_NAMES.get(message.channel, message.channel)
    screen.print(f"[bold cyan]{channel} to {message.to}[/]  {escape(message.text)}", soft_wrap=True)


async def _greet(node: Node, settings: Settings) -> None:
    while not node.ready()["postgres"]:
        await asyncio.sleep(0.05)
    first = await bootstrap(node.uow)
    if sys.stdout.isatty():
        for holder, key in first.keys.items():
            screen.print(f"key of [bold]{holder}[/] (shown once): {key}", soft_wrap=True)
    elif first.keys:
        path = write_first_keys(settings.folder, first.keys)
        screen.print(
            f"first keys: {escape(str(path))} (store them elsewhere and delete the file)", soft_wrap=True
        )
    await node.until_ready(READY_PATIENCE_S)
    screen.print(_addresses(settings, node, first))
    state = "ready" if all(node.ready().values()) else f"not ready yet: {node.ready()}"
    screen.print(f"[green]{state}[/]  Stop with Ctrl-C.")
    if first.keys:
        screen.print(NEXT, soft_wrap=True)


def _addresses(settings: Settings, node: Node, first: Bootstrap) -> Table:
    table = Table(title="Renfort", show_header=False)
    table.add_row("HTTP", f"http://{settings.http}")
    table.add_row("stream", f"http://{settings.http}/v1/stream")
    table.add_row("organisation", str(first.organisation))
    table.add_row("Kafka", node.wiring.cluster.bootstrap)
    table.add_row("data", str(settings.folder))
    return table
