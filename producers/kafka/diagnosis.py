"""Why Kafka does not let us in, in words that name the cause and the cure.

aiokafka logs the reason of each address and raises that there is none left.
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

from dispatch.security import Security
from dispatch.storage.pool import describe

PATIENCE_S = 3.0
EXPIRED, OTHER_NAME = 10, {62, 64}
"""What OpenSSL's X509_V_ERR_… calls a certificate that is too old, or for another host."""
WORDS: dict[type[Exception], str] = {
    SaslAuthenticationFailed: "refuses the name {0.username} or its password: look at DISPATCH_KAFKA_USERNAME, "
    "DISPATCH_KAFKA_PASSWORD and DISPATCH_KAFKA_MECHANISM",
    UnsupportedSaslMechanismError: "does not take {0.mechanism}: set DISPATCH_KAFKA_MECHANISM to what it takes",
    IllegalSaslStateError: "takes no password on this port: unset DISPATCH_KAFKA_USERNAME, or name another port",
    ConnectionRefusedError: "does not answer: nothing listens there",
    gaierror: "cannot be found: nothing has this name",
    TimeoutError: "does not answer in time",
}


class NotLetInError(ConnectionError):
    """No address of Kafka takes us; the text says why of each, and what to do."""


async def refusal(bootstrap: str, security: Security) -> NotLetInError:
    """Try each address again, to tell why it does not take us."""
    hosts = [(host, port) for host, port, _ in collect_hosts(bootstrap, randomize=False)]
    reasons = await asyncio.gather(*(_try(host, port, security) for host, port in hosts))
    places = defaultdict(list)
    for (host, port), reason in zip(hosts, reasons, strict=True):
        places[reason].append(f"{host}:{port}")
    return NotLetInError("; ".join(f"Kafka at {', '.join(at)} {reason}" for reason, at in places.items()))


async def _try(host: str, port: int, security: Security) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            connection = await create_conn(host, port, client_id="renfort", **security.arguments)
            try:
                # Who wants a password tells its version to anybody, and closes at the first real question.
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (KafkaError, OSError, TimeoutError) as error:
        return _why(error, security)
    return "answered late: trying again helps"


def _why(error: Exception, security: Security) -> str:
    told = (words.format(security) for kind, words in WORDS.items() if isinstance(error, kind))
    return next(told, "") or _of_tls(error, security)


def _of_tls(error: Exception, security: Security) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return _distrusted(error)
        case KafkaConnectionError(__cause__=ssl.SSLError(reason=reason)):
            return f"wants a certificate that it trusts ({reason}): set DISPATCH_KAFKA_CERT"
        case ssl.SSLError() | ConnectionResetError() if security.tls:
            return "does not speak TLS with us: is this its port for TLS?"
        case ConnectionResetError() | KafkaConnectionError():
            return _hung_up(security)
    return f"does not answer: {describe(error)}"


def _distrusted(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in OTHER_NAME:
        return (
            f"shows a certificate for another name ({error.verify_message}): write DISPATCH_KAFKA as the "
            "certificate does, or give the broker one for this name"
        )
    if error.verify_code == EXPIRED:
        return "shows a certificate that has expired: renew it at the broker"
    return (
        f"shows a certificate of nobody whom we trust ({error.verify_message}): set DISPATCH_KAFKA_CA to the "
        "certificate of who signed it"
    )


def _hung_up(security: Security) -> str:
    if security.tls is None:
        return "hangs up on us: where it wants TLS, set DISPATCH_KAFKA_CA or DISPATCH_KAFKA_TLS"
    if not security.username:
        return "hangs up on us: where it wants a password, set DISPATCH_KAFKA_USERNAME"
    return "hangs up on us: its log says why"
