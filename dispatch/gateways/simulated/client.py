"""Phones that exist in memory only, for the demo and for tests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from dispatch.gateways import refuse_bad_number
from dispatch.services.messaging.gateway import GatewayUnavailableError, Outgoing


@dataclass(slots=True)
class Phone:
    """What arrived on one number, each once; `repeats` counts the copies that a real phone would show."""

    number: str
    inbox: list[Outgoing] = field(default_factory=list)
    repeats: int = 0


class SimulatedGateway:
    """A gateway whose phones stay silent unless `on_message` answers; flaky, it fails every other call.

    Where `most` is given, its phones keep the latest so many messages in all.
    """

    name = "simulated"
    channel = "sms"

    def __init__(
        self,
        *,
        printer: Callable[[Outgoing], None] | None = None,
        flaky: bool = False,
        most: int | None = None,
    ) -> None:
        self.printer = printer
        self.flaky = flaky
        self.most = most
        self.on_message: Callable[[Outgoing], Awaitable[None]] | None = None
        self._phones: dict[str, Phone] = {}
        self._arrived: dict[UUID, str] = {}
        self._calls = 0

    @property
    def repeats(self) -> int:
        """Count the copies that arrived on all phones."""
        return sum(phone.repeats for phone in self._phones.values())

    def phone(self, number: str) -> Phone:
        return self._phones.setdefault(number, Phone(number))

    async def send(self, message: Outgoing) -> None:
        """Put the message on its phone, then let `on_message` run; it should not take long."""
        refuse_bad_number(message.to)
        self._fail_every_other_call()
        if message.message_id in self._arrived:
            self.phone(message.to).repeats += 1
            return
        self._keep(message)
        if self.printer:
            self.printer(message)
        if self.on_message:
            await self.on_message(message)

    async def close(self) -> None:
        """Keep the phones: there is no connection to let go."""

    def _keep(self, message: Outgoing) -> None:
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
