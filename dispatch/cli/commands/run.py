"""`dispatch run [ROLE…]`: one process with some roles, which uses the services that the settings name."""

import asyncio
from typing import get_args

import uvloop
from cyclopts import App

from dispatch.cli.commands.up import show
from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings
from dispatch.logs import configure
from dispatch.runtime import hosting
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.node import Node
from dispatch.runtime.roles import HTTP_ROLES, ROLES, Role
from dispatch.runtime.wiring import wiring

run = App(name="run", help="Run one process with some roles. Example: dispatch run api relay agenda")


@run.default
def start(*roles: Role) -> None:
    """Run one process with some roles until stopped.

    Parameters
    ----------
    roles
        The roles of this process. Default: all.
    """
    settings = Settings()
    if not settings.kafka or not settings.postgres.get_secret_value():
        msg = "`dispatch run` needs DISPATCH_KAFKA and DISPATCH_POSTGRES; `dispatch up` starts its own"
        raise MisuseError(msg)
    if unknown := set(roles) - set(get_args(Role)):
        raise MisuseError(f"unknown roles: {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
    configure(settings.log)
    if HTTP_ROLES & set(roles or ROLES):
        hosting.require_free(settings.host, settings.port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, roles or ROLES))


async def _run(settings: Settings, roles: tuple[Role, ...]) -> None:
    stopping = asyncio.Event()
    hosting.stop_on_signals(stopping)
    services = Embedded(None, None)
    node = Node(wiring(settings, services, show, roles, migrates=False), Clock())
    await node.start()
    await hosting.until_stopped(node, services, stopping)
