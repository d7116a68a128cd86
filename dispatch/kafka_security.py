"""How Renfort and Kafka authenticate each other: certificates, a password, or neither."""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from dispatch.config import Settings


class SecurityError(Exception):
    """The settings contradict each other or name an unusable file; the message names them and the remedy."""


@dataclass(frozen=True, slots=True)
class Security:
    """The TLS context and credentials of every connection to Kafka; its repr shows no secret.

    Certificates and the password are read once: a replacement takes effect at the next start of the process.
    """

    tls: ssl.SSLContext | None = field(default=None, repr=False)
    username: str = ""
    password: SecretStr = field(default=SecretStr(""))
    mechanism: str = "SCRAM-SHA-512"

    @classmethod
    def of(cls, settings: Settings) -> "Security":
        """Read the files that the settings name; raises SecurityError."""
        _require_pairs(settings)
        return cls(_tls(settings), settings.kafka_username, settings.kafka_password, settings.kafka_mechanism)

    @property
    def password_in_clear(self) -> bool:
        """Return whether there is a password but no TLS: anybody on the network can read and change what is sent."""
        return bool(self.username) and self.tls is None

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments that every aiokafka client takes."""
        connection = {
            "security_protocol": ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT"),
            "ssl_context": self.tls,
        }
        if not self.username:
            return connection
        return connection | {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password.get_secret_value(),
        }


class ImpatientTLS(ssl.SSLObject):
    """Sends close_notify without awaiting the peer's: a broker may delay a stopping process by half a minute."""

    def unwrap(self) -> None:
        """Send close_notify."""
        with suppress(ssl.SSLWantReadError):
            super().unwrap()


UNSECURED = Security()
NO_TLS_WARNING = (
    "anybody on the network can read and change what is sent; set DISPATCH_KAFKA_TLS or DISPATCH_KAFKA_CA"
)


def _require_pairs(settings: Settings) -> None:
    password = bool(settings.kafka_password.get_secret_value())
    if password and not settings.kafka_username:
        raise SecurityError("DISPATCH_KAFKA_PASSWORD is set: set DISPATCH_KAFKA_USERNAME too")
    if settings.kafka_username and not password:
        raise SecurityError("DISPATCH_KAFKA_USERNAME is set: set DISPATCH_KAFKA_PASSWORD too")
    if settings.kafka_key and not settings.kafka_cert:
        raise SecurityError("DISPATCH_KAFKA_KEY is set: set DISPATCH_KAFKA_CERT to its certificate too")


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """Trust the named authority, or else the system's; a certificate for another host name is always rejected."""
    if not (settings.kafka_tls or settings.kafka_ca or settings.kafka_cert):
        return None
    authority = _readable("DISPATCH_KAFKA_CA", settings.kafka_ca)
    certificate = _readable("DISPATCH_KAFKA_CERT", settings.kafka_cert)
    key = _readable("DISPATCH_KAFKA_KEY", settings.kafka_key)
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise SecurityError(f"DISPATCH_KAFKA_CA: {authority} holds no certificate in PEM") from error
    context.sslobject_class = ImpatientTLS
    if certificate:
        _load_certificate(context, certificate, key)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        # An empty passphrase: without one, OpenSSL would ask the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        raise SecurityError(
            f"DISPATCH_KAFKA_CERT: {certificate} and the key in {key or 'the same file'} do not match: "
            "both must be PEM and belong together, and the key must have no passphrase"
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
