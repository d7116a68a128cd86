"""How Renfort and Kafka prove to each other who they are: by certificates, by a password, or not at all."""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from dispatch.config import Settings


class SecurityError(Exception):
    """The settings do not fit together, or name a file that is of no use; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Security:
    """What each connection to Kafka is made with; nothing to keep secret is in its repr.

    Certificates and the password are read once, so what replaces them counts from the next start of the process.
    """

    tls: ssl.SSLContext | None = field(default=None, repr=False)
    username: str = ""
    password: SecretStr = field(default=SecretStr(""))
    mechanism: str = "SCRAM-SHA-512"

    @classmethod
    def of(cls, settings: Settings) -> "Security":
        """Read what the settings name; raises SecurityError."""
        _require_pairs(settings)
        return cls(_tls(settings), settings.kafka_username, settings.kafka_password, settings.kafka_mechanism)

    @property
    def overheard(self) -> bool:
        """Tell whether there is a password and yet anybody on the way can read along, and put words in."""
        return bool(self.username) and self.tls is None

    @property
    def arguments(self) -> dict[str, Any]:
        """Give the keyword arguments that all clients of aiokafka take."""
        line = {
            "security_protocol": ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT"),
            "ssl_context": self.tls,
        }
        if not self.username:
            return line
        return line | {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password.get_secret_value(),
        }


class Curt(ssl.SSLObject):
    """Says goodbye and waits for none: a broker may let a process that stops wait half a minute for it."""

    def unwrap(self) -> None:
        """Tell the other side that nothing more comes."""
        with suppress(ssl.SSLWantReadError):
            super().unwrap()


UNSECURED = Security()
OVERHEARD = "who is on the way reads along and can put words in; set DISPATCH_KAFKA_TLS or DISPATCH_KAFKA_CA"


def _require_pairs(settings: Settings) -> None:
    password = bool(settings.kafka_password.get_secret_value())
    if password and not settings.kafka_username:
        raise SecurityError("DISPATCH_KAFKA_PASSWORD is set: set DISPATCH_KAFKA_USERNAME too")
    if settings.kafka_username and not password:
        raise SecurityError("DISPATCH_KAFKA_USERNAME is set: set DISPATCH_KAFKA_PASSWORD too")
    if settings.kafka_key and not settings.kafka_cert:
        raise SecurityError("DISPATCH_KAFKA_KEY is set: set DISPATCH_KAFKA_CERT to its certificate too")


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """Trust the named authority, or else the system's; a certificate for another name is always refused."""
    if not (settings.kafka_tls or settings.kafka_ca or settings.kafka_cert):
        return None
    authority = _readable("DISPATCH_KAFKA_CA", settings.kafka_ca)
    certificate = _readable("DISPATCH_KAFKA_CERT", settings.kafka_cert)
    key = _readable("DISPATCH_KAFKA_KEY", settings.kafka_key)
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise SecurityError(f"DISPATCH_KAFKA_CA: {authority} holds no certificate in PEM") from error
    context.sslobject_class = Curt
    if certificate:
        _show(context, certificate, key)
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        # An empty passphrase: without one, OpenSSL would ask the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        raise SecurityError(
            f"DISPATCH_KAFKA_CERT: {certificate} and the key in {key or 'the same file'} do not fit together: "
            "both must be PEM, of one pair, the key without a passphrase"
        ) from error


def _readable(variable: str, path: Path | None) -> str | None:
    if path is None:
        return None
    path = path.expanduser()
    try:
        path.read_bytes()
    except OSError as error:
        raise SecurityError(f"{variable}: {path}: {error.strerror}") from error
    return str(path)
