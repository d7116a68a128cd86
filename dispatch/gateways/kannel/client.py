"""Kannel, the open-source SMS gateway, over its sendsms interface."""

from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from pydantic import SecretStr

from dispatch.domain.messaging.gsm import fits
from dispatch.gateways import refuse_bad_number
from dispatch.services.messaging.gateway import (
    GatewayRefusedError,
    GatewaySilentError,
    GatewayUnavailableError,
    Outgoing,
)
from dispatch.services.messaging.webhook_calls import RECEIPT_QUERY, WANTED_REPORTS

UCS2 = "2"
FIRST_IN_THE_QUEUE = "3"

_TAKEN = ("0:", "3:", "Sent.")
_REFUSED = ("Number(s) has/have been denied", "Empty receiver number", "Missing receiver number")
_TROUBLES = {
    "Authorization failed": "Kannel refuses our user name, password or address",
    "Not routable": "Kannel has no route to this number: see its smsc groups",
    "Temporal failure": "Kannel asks to try again later",
    "Sender missing": "Kannel wants a sender",
}


@dataclass(frozen=True, slots=True)
class KannelSettings:
    """Where Kannel is, and the address at which it reports (with its key, hence not shown)."""

    url: str
    username: str
    password: SecretStr
    sender: str
    receipts_url: str = field(repr=False)


class KannelGateway:
    """Send texts through Kannel, which does not know message ids: a message sent twice arrives twice."""

    name = "kannel"
    channel = "sms"

    def __init__(self, settings: KannelSettings, *, timeout: float = 10.0) -> None:
        self._settings = settings
        self._timeout = ClientTimeout(total=timeout)
        self._session: ClientSession | None = None

    async def send(self, message: Outgoing) -> None:
        """Hand the message to Kannel, which queues it where its provider is away."""
        refuse_bad_number(message.to)
        status, words = await self._ask(_parameters(self._settings, message))
        if status in {200, 202} and words.startswith(_TAKEN):
            return
        if words.startswith(_REFUSED):
            raise GatewayRefusedError("Kannel refuses this number")
        raise GatewayUnavailableError(_trouble(status, words))

    async def close(self) -> None:
        """Let go of connections; the next message opens new ones."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def _ask(self, parameters: dict[str, str]) -> tuple[int, str]:
        trouble: GatewayUnavailableError
        try:
            async with self._open().get(
                self._settings.url, params=parameters, allow_redirects=False
            ) as response:
                return response.status, await response.text(errors="replace")
        except ClientConnectorError as error:
            trouble = GatewayUnavailableError(f"Kannel cannot be reached ({type(error).__name__})")
        except (ClientError, TimeoutError, OSError) as error:
            trouble = GatewaySilentError(f"Kannel does not answer ({type(error).__name__})")
        # Outside the handlers, so that no traceback leads to the request, whose address holds the password.
        raise trouble

    def _open(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(timeout=self._timeout)
        return self._session


def _parameters(settings: KannelSettings, message: Outgoing) -> dict[str, str]:
    parameters = {
        "username": settings.username,
        "password": settings.password.get_secret_value(),
        "from": settings.sender,
        "to": message.to,
        "text": message.text,
        "charset": "UTF-8",
        "dlr-mask": str(int(WANTED_REPORTS)),
        "dlr-url": _receipt_url(settings.receipts_url, message.message_id),
    }
    if not fits(message.text):
        parameters["coding"] = UCS2
    if message.urgent:
        parameters["priority"] = FIRST_IN_THE_QUEUE
    return parameters


def _receipt_url(address: str, message_id: UUID) -> str:
    """Add what Kannel is to report; a "%" of the address itself is doubled, since Kannel fills in escapes."""
    joint = "&" if "?" in address else "?"
    return address.replace("%", "%%") + joint + RECEIPT_QUERY.format(message_id=message_id)


def _trouble(status: int, words: str) -> str:
    """Say what an operator must mend, in our words: an answer may repeat the request, password and all."""
    known = (ours for theirs, ours in _TROUBLES.items() if words.startswith(theirs))
    return next(known, f"Kannel answered {status}")
