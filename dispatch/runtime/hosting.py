"""Running a node until it is stopped."""

import asyncio
import gc
import signal
import socket
from contextlib import suppress
from errno import EADDRINUSE

from dispatch.config import MisuseError
from dispatch.runtime.embedded_services import Embedded, supervise
from dispatch.runtime.node import Node


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Stop the process in its own order on Ctrl-C and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)


def require_free(host: str, port: int) -> None:
    """Raise MisuseError where another process listens on the address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            cause = {EADDRINUSE: "another program, or Renfort itself, does so already"}
            why = cause.get(error.errno or 0, error.strerror)
            msg = f"{host}:{port} cannot be listened on: {why}; stop it, or set DISPATCH_HTTP to another address"
            raise MisuseError(msg) from error


def freeze_startup_objects() -> None:
    """Exempt from garbage collection all that exists by now: modules and types, which live as long as the process.

    Full collections traverse it over and over: a quarter of the CPU of a process that works on a backlog.
    """
    gc.collect()
    gc.freeze()


async def until_stopped(node: Node, services: Embedded, stopping: asyncio.Event) -> None:
    """Run a started node and its services until `stopping` is set, then stop the node."""
    freeze_startup_objects()
    supervision = asyncio.create_task(supervise(services, node.kafka, stopping))
    try:
        await stopping.wait()
    finally:
        stopping.set()
        await node.stop()
        supervision.cancel()
        with suppress(asyncio.CancelledError):
            await supervision
