"""Why Kafka rejects a connection: the cause and the remedy in one text.

aiokafka only logs the reason for each address, and raises that no address is left.
"""

import asyncio
import ssl
from collections import defaultdict
from socket import gaierror

from aiokafka.client import collect_hosts
from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from dispatch.kafka_security import Security
from dispatch.storage.pool import describe
from producers.kafka.errors import KafkaAccessError

CONNECT_TIMEOUT_S = 3.0
CERTIFICATE_EXPIRED, HOSTNAME_MISMATCHES = 10, {62, 64}
"""OpenSSL's X509_V_ERR_… codes for a certificate that has expired, or that is for another host or IP address."""
REASONS: dict[type[Exception], str] = {
    SaslAuthenticationFailed: "rejects the user {0.username} or its password: check DISPATCH_KAFKA_USERNAME, "
    "DISPATCH_KAFKA_PASSWORD and DISPATCH_KAFKA_MECHANISM",
    UnsupportedSaslMechanismError: "does not support {0.mechanism}: set DISPATCH_KAFKA_MECHANISM to one that it "
    "does",
    IllegalSaslStateError: "expects no password on this port: unset DISPATCH_KAFKA_USERNAME, or use another port",
    ConnectionRefusedError: "does not answer: nothing listens there",
    gaierror: "cannot be found: no host has this name",
    TimeoutError: "does not answer in time",
}


async def diagnose(bootstrap: str, security: Security) -> KafkaAccessError:
    """Connect to each bootstrap address again; return an error that gives the reason of each failure."""
    addresses = [(host, port) for host, port, _ in collect_hosts(bootstrap, randomize=False)]
    reasons = await asyncio.gather(*(_try(host, port, security) for host, port in addresses))
    by_reason = defaultdict(list)
    for (host, port), reason in zip(addresses, reasons, strict=True):
        by_reason[reason].append(f"{host}:{port}")
    return KafkaAccessError(
        "; ".join(f"Kafka at {', '.join(hosts)} {reason}" for reason, hosts in by_reason.items())
    )


async def _try(host: str, port: int, security: Security) -> str:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connection = await create_conn(host, port, client_id="renfort", **security.arguments)
            try:
                # A broker that requires a password answers version requests without it, and closes the connection
                # only at the first other request.
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (KafkaError, OSError, TimeoutError) as error:
        return _reason(error, security)
    return "answered late: trying again helps"


def _reason(error: Exception, security: Security) -> str:
    known = (text.format(security) for kind, text in REASONS.items() if isinstance(error, kind))
    return next(known, "") or _tls_reason(error, security)


def _tls_reason(error: Exception, security: Security) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate_reason(error)
        case KafkaConnectionError(__cause__=ssl.SSLError(reason=reason)):
            return f"requires a client certificate that it trusts ({reason}): set DISPATCH_KAFKA_CERT"
        case ssl.SSLError() | ConnectionResetError() if security.tls:
            return "does not speak TLS with us: is this its port for TLS?"
        case ConnectionResetError() | KafkaConnectionError():
            return _closed_reason(security)
    return f"does not answer: {describe(error)}"


def _certificate_reason(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in HOSTNAME_MISMATCHES:
        return (
            f"has a certificate for another name ({error.verify_message}): put the name in the certificate into "
            "DISPATCH_KAFKA, or issue a certificate for this name"
        )
    if error.verify_code == CERTIFICATE_EXPIRED:
        return "has a certificate that has expired: renew it at the broker"
    return (
        f"has a certificate of an authority that is not trusted ({error.verify_message}): set DISPATCH_KAFKA_CA to "
        "that authority's certificate"
    )


def _closed_reason(security: Security) -> str:
    if security.tls is None:
        return "closes the connection: if it requires TLS, set DISPATCH_KAFKA_CA or DISPATCH_KAFKA_TLS"
    if not security.username:
        return "closes the connection: if it requires a password, set DISPATCH_KAFKA_USERNAME"
    return "closes the connection: its log says why"
