"""Kannel, the open-source SMS gateway, over its sendsms interface."""

from uuid import UUID

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from dispatch.config import MisuseError
from dispatch.domain.messaging.gsm import fits
from dispatch.gateways.kannel.settings import KannelSettings
from dispatch.gateways.kannel.webhook import RECEIPT_QUERY, WANTED_REPORTS, read_inbound, read_receipt
from dispatch.services.messaging.gateway import (
    Capabilities,
    GatewayRefusedError,
    GatewaySilentError,
    GatewayUnavailableError,
    OutboundText,
    Surroundings,
    require_phone_number,
)

UCS2 = "2"
FIRST_IN_THE_QUEUE = "3"

_ACCEPTED = ("0:", "3:", "Sent.")
_REFUSED = ("Number(s) has/have been denied", "Empty receiver number", "Missing receiver number")
_FAILURES = {
    "Authorization failed": "Kannel refuses our user name, password or address",
    "Not routable": "Kannel has no route to this number: see its smsc groups",
    "Temporal failure": "Kannel asks to try again later",
    "Sender missing": "Kannel wants a sender",
}


class KannelGateway:
    """Send texts through Kannel, which does not know message ids: a message sent twice arrives twice."""

    name = "kannel"
    capabilities = Capabilities(("sms",), read_inbound, read_receipt, sending_time=True)

    def __init__(self, settings: KannelSettings, receipts_url: str, *, timeout: float = 10.0) -> None:
        """Take the settings, and the address to which Kannel is to report, key included."""
        self._settings = settings
        self._receipts_url = receipts_url
        self._timeout = ClientTimeout(total=timeout)
        self._session: ClientSession | None = None

    async def send(self, message: OutboundText) -> None:
        """Pass the message to Kannel, which queues it where its provider is away."""
        require_phone_number(message.to)
        status, words = await self._ask(_parameters(self._settings, self._receipts_url, message))
        if status in {200, 202} and words.startswith(_ACCEPTED):
            return
        if words.startswith(_REFUSED):
            raise GatewayRefusedError("Kannel refuses this number")
        raise GatewayUnavailableError(_trouble(status, words))

    async def close(self) -> None:
        """Close the connections; the next message opens new ones."""
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


def configured(surroundings: Surroundings) -> KannelGateway | None:
    """Return Kannel where its URL is set; raises MisuseError without a public address or a key."""
    settings = KannelSettings()
    if not settings.url:
        return None
    if surroundings.public_url is None:
        msg = "a real gateway needs DISPATCH_PUBLIC_URL: the links in messages must be reachable from a phone"
        raise MisuseError(msg)
    key = settings.key.get_secret_value()
    if not key:
        msg = (
            "Kannel cannot report: set DISPATCH_KANNEL_KEY, from dispatch keys create --scope gateway:kannel"
        )
        raise MisuseError(msg)
    return KannelGateway(settings, f"{surroundings.public_url}/v1/gateways/kannel/receipts?key={key}")


def _parameters(settings: KannelSettings, receipts_url: str, message: OutboundText) -> dict[str, str]:
    parameters = {
        "username": settings.username,
        "password": settings.password.get_secret_value(),
        "from": settings.sender,
        "to": message.to,
        "text": message.text,
        "charset": "UTF-8",
        "dlr-mask": str(int(WANTED_REPORTS)),
        "dlr-url": _receipt_url(receipts_url, message.message_id),
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
    """Return what an operator must fix, in our words: an answer may repeat the request, password included."""
    known = (ours for theirs, ours in _FAILURES.items() if words.startswith(theirs))
    return next(known, f"Kannel answered {status}")
