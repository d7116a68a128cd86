"""Gateways and senders that stall, fail or crash, and waits for what they do."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import (
    Gateway,
    GatewayRefusedError,
    OutboundText,
)
from dispatch.services.messaging.send_slots import SendSlots
from dispatch.services.messaging.sending import Sender
from dispatch.storage.messages import LeasedMessage
from tests.support.post import LINKS, SECRET, Post


class SlowGateway(SimulatedGateway):
    """A gateway that holds every message until it is released, then accepts it or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.let_go = asyncio.Event()
        self.asked: list[OutboundText] = []

    async def send(self, message: OutboundText) -> None:
        self.asked.append(message)
        await self.let_go.wait()
        if self.error is not None:
            raise self.error
        await super().send(message)


class DeadlyGateway(SimulatedGateway):
    """A gateway that delivers messages but never responds, until it is repaired."""

    def __init__(self) -> None:
        super().__init__()
        self.repaired = False
        self.arrived = 0

    async def send(self, message: OutboundText) -> None:
        await super().send(message)
        self.arrived += 1
        while not self.repaired:
            await asyncio.sleep(1)


class StubbornGateway(SimulatedGateway):
    """A gateway that raises a given error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def send(self, message: OutboundText) -> None:
        del message
        raise self.error


class UnspeakableGateway(SimulatedGateway):
    """A gateway that rejects one number with a text that Postgres cannot store."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number

    async def send(self, message: OutboundText) -> None:
        if message.to == self.number:
            raise GatewayRefusedError("\0")
        await super().send(message)


class StalledSender(Sender):
    """A sender that falls asleep between taking a message in hand and looking at it again."""

    def __init__(self, uow: UnitOfWork, gateway: Gateway) -> None:
        super().__init__(uow, {"sms": gateway}, secret=SECRET, public_url=LINKS)
        self.awake = asyncio.Event()

    async def _start(self, slots: SendSlots, leased: Sequence[LeasedMessage]) -> None:
        await self.awake.wait()
        await super()._start(slots, leased)


async def crash(post: Post, deadly: DeadlyGateway) -> None:
    """Kill a sender when the phones have every message and none of it is recorded."""
    doomed = asyncio.create_task(post.sender(deadly).round())
    await wait_until(lambda: deadly.arrived == 3)
    doomed.cancel()
    with suppress(asyncio.CancelledError):
        await doomed


async def wait_until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
