"""The port through which messages leave: what a gateway must do, and how it says no."""

from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

ReceiptStatus = Literal["sent", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text for one person; `message_id` is the idempotency key towards the provider."""

    message_id: UUID
    to: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says became of a message."""

    message_id: UUID
    status: ReceiptStatus
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A text that a person sent us, with the provider's own id so that a webhook sent twice counts once."""

    provider_id: str
    sender: str
    text: str


class GatewayRefusedError(Exception):
    """The provider will never take this message (bad number, blocked): do not send it again."""


class GatewayUnavailableError(Exception):
    """The provider cannot take the message now: keep it and try again later."""


class GatewaySilentError(GatewayUnavailableError):
    """The provider was asked and did not answer: keep the message, which may have reached the phone all the same."""


class Gateway(Protocol):
    """A provider of one channel."""

    name: str
    channel: str

    async def send(self, message: Outgoing) -> None:
        """Hand the message over.

        Raises GatewayRefusedError for good, GatewayUnavailableError for now, GatewaySilentError where the phone may
        have it. Receipts come later, by webhook.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
