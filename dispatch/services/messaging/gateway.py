"""The port through which messages leave and texts arrive: what a gateway offers, and how it rejects a message."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from pydantic_settings import BaseSettings

from schemas.offers import Channel

ReceiptStatus = Literal["sent", "delivered", "failed"]
Parameters = Mapping[str, str]
"""The parameters of one webhook call, from its query and its form."""

PHONE_CHANNELS: frozenset[Channel] = frozenset({"sms", "voice"})
"""The channels whose addresses are phone numbers."""
PHONE_NUMBER = re.compile(r"\+?[0-9]{3,15}")


@dataclass(frozen=True, slots=True)
class OutboundText:
    """One text for one person; `message_id` is the idempotency key towards the provider."""

    message_id: UUID
    channel: Channel
    to: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider reports about a message."""

    message_id: UUID
    status: ReceiptStatus
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text that a person sent; the provider's own id makes a repeated webhook call count once.

    `sent_at` is when the person sent it, as far as the provider reports that.
    """

    provider_id: str
    channel: Channel
    sender: str
    text: str
    sent_at: datetime | None = None


class GatewayRefusedError(Exception):
    """The provider will never accept this message (bad number, blocked): do not send it again."""


class GatewayUnavailableError(Exception):
    """The provider cannot accept the message now: try again later."""


class GatewaySilentError(GatewayUnavailableError):
    """The provider did not answer the request: try again later, though the message may have reached the phone."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can do.

    `read_inbound` and `read_receipt` read its webhook calls and raise ValueError that names the bad parameter; None
    where the provider has no such calls. `sending_time`: inbound texts carry the time at which they were sent.
    `at_once` is the number of sends in flight that the provider accepts. A `simulated` gateway reaches nobody.
    """

    channels: tuple[Channel, ...]
    read_inbound: Callable[[Parameters], InboundText] | None = None
    read_receipt: Callable[[Parameters], Receipt] | None = None
    sending_time: bool = False
    at_once: int = 100
    simulated: bool = False


class Gateway(Protocol):
    """A connection to one provider."""

    name: str
    capabilities: Capabilities

    async def send(self, message: OutboundText) -> None:
        """Pass the message to the provider.

        Raises GatewayRefusedError for good, GatewayUnavailableError for now, GatewaySilentError where the phone may
        have it. Receipts come later, by webhook.
        """
        ...

    async def close(self) -> None:
        """Close the connections; the next message opens new ones."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a gateway learns about this installation.

    `public_url` is the address at which phones and providers reach it, None where it is not set; `show` displays a
    message that reaches nobody.
    """

    public_url: str | None
    show: Callable[[OutboundText], None]


@dataclass(frozen=True, slots=True)
class Provider:
    """What the folder of a gateway offers.

    `configured` returns the gateway that the environment configures, or None; it raises MisuseError where settings
    are missing. `switch` is the variable that turns the gateway on.
    """

    name: str
    configured: Callable[[Surroundings], Gateway | None]
    settings: type[BaseSettings] | None = None
    switch: str = ""


def require_phone_number(address: str) -> None:
    """Raise GatewayRefusedError unless this is one phone number: a provider may read two numbers where a space is."""
    if not PHONE_NUMBER.fullmatch(address):
        raise GatewayRefusedError("not a phone number")


def parameter(values: Parameters, name: str) -> str:
    """Return a parameter of a webhook call, trimmed; raises ValueError where it is missing, empty or unreadable."""
    if value := words(values, name):
        return value
    raise ValueError(f"{name}: missing")


def words(values: Parameters, name: str) -> str:
    """Return a text in a webhook call, trimmed and perhaps empty.

    Raises ValueError where its bytes, which stand in it as lone surrogates, are in no known character set.
    """
    value = values.get(name, "").replace("\0", "").strip()
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(f"{name}: neither UTF-8 nor in the character set that the call declares")
    return value


def detail(values: Parameters, name: str) -> str:
    """Return a remark in a webhook call, perhaps empty, with "?" for what is unreadable in it."""
    return values.get(name, "").replace("\0", "").encode(errors="replace").decode()


def message_id(values: Parameters, name: str) -> UUID:
    """Return the id of the message that a receipt is about; raises ValueError where it is not one of ours."""
    try:
        return UUID(parameter(values, name))
    except ValueError:
        raise ValueError(f"{name}: missing, or not an id of ours") from None
