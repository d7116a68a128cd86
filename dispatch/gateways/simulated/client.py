"""Phones that exist in memory only, for the demo and for tests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from dispatch.gateways.simulated.webhook import read_inbound, read_receipt
from dispatch.services.messaging.gateway import (
    PHONE_CHANNELS,
    Capabilities,
    GatewayUnavailableError,
    OutboundText,
    Surroundings,
    require_phone_number,
)
from schemas.offers import Channel

SHOWN = 1_000
"""The messages that phones of a real installation retain: they are shown as they arrive, and it runs for long."""


@dataclass(slots=True)
class Phone:
    """What arrived on one number, each once; `repeats` counts the copies that a real phone would show."""

    number: str
    inbox: list[OutboundText] = field(default_factory=list)
    repeats: int = 0


class SimulatedGateway:
    """A gateway whose phones stay silent unless `on_message` answers; flaky, it fails every other call.

    Where `most` is given, its phones retain the latest so many messages in all.
    """

    def __init__(
        self,
        name: str = "simulated",
        *,
        channels: tuple[Channel, ...] = ("sms",),
        printer: Callable[[OutboundText], None] | None = None,
        flaky: bool = False,
        most: int | None = None,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            channels,
            read_inbound=partial(read_inbound, channels=channels),
            read_receipt=read_receipt,
            sending_time=True,
            simulated=True,
        )
        self.printer = printer
        self.flaky = flaky
        self.most = most
        self.on_message: Callable[[OutboundText], Awaitable[None]] | None = None
        self._phones: dict[str, Phone] = {}
        self._arrived: dict[UUID, str] = {}
        self._calls = 0

    @property
    def repeats(self) -> int:
        """Count the copies that arrived on all phones."""
        return sum(phone.repeats for phone in self._phones.values())

    def phone(self, number: str) -> Phone:
        return self._phones.setdefault(number, Phone(number))

    async def send(self, message: OutboundText) -> None:
        """Put the message on its phone, then let `on_message` run; it should not take long."""
        if message.channel in PHONE_CHANNELS:
            require_phone_number(message.to)
        self._fail_every_other_call()
        if message.message_id in self._arrived:
            self.phone(message.to).repeats += 1
            return
        self._show(message)
        if self.printer:
            self.printer(message)
        if self.on_message:
            await self.on_message(message)

    async def close(self) -> None:
        """Do nothing: there is no connection, and the phones retain their messages."""

    def _show(self, message: OutboundText) -> None:
        self._arrived[message.message_id] = message.to
        self.phone(message.to).inbox.append(message)
        if self.most is not None and len(self._arrived) > self.most:
            self._forget(self._arrived.pop(next(iter(self._arrived))))

    def _forget(self, number: str) -> None:
        """Drop the oldest message of a phone, and a phone that shows nothing more."""
        phone = self.phone(number)
        del phone.inbox[0]
        if not phone.inbox and not phone.repeats:
            del self._phones[number]

    def _fail_every_other_call(self) -> None:
        self._calls += 1
        if self.flaky and self._calls % 2:
            raise GatewayUnavailableError("flaky on purpose")


def configured(surroundings: Surroundings) -> SimulatedGateway:
    """Return phones that stay silent and show each message."""
    return SimulatedGateway(printer=surroundings.show, most=SHOWN)
