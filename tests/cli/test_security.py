"""The settings for Kafka's TLS and passwords: contradictions are named, and no secret is shown."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from dispatch.cli.main import main
from dispatch.config import MisuseError, Settings
from dispatch.kafka_security import UNSECURED, Security, SecurityError
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.wiring import wiring
from producers.kafka.diagnosis import diagnose

SECRET = "canary-5f2c"
USER = {"kafka_username": "renfort", "kafka_password": SECRET}
AUTHORITY = trustme.CA()
PAIR = AUTHORITY.issue_cert("renfort")

Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"kafka": "kafka:9093", "postgres": "postgresql:///nowhere"} | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kafka_password": SECRET}, "set DISPATCH_KAFKA_USERNAME too"),
        ({"kafka_username": "renfort"}, "set DISPATCH_KAFKA_PASSWORD too"),
        ({"kafka_key": "/nowhere"}, "set DISPATCH_KAFKA_CERT"),
        ({"kafka_ca": "/nowhere"}, "DISPATCH_KAFKA_CA: /nowhere: No such file"),
        ({"kafka_ca": __file__}, "DISPATCH_KAFKA_CA: .* holds no certificate"),
        ({"kafka_cert": "/nowhere"}, "DISPATCH_KAFKA_CERT: /nowhere: No such file"),
        ({"kafka_cert": __file__}, "DISPATCH_KAFKA_CERT: .* do not match"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SecurityError, match=words) as refusal:
        Security.of(settings(**changes))
    assert SECRET not in str(refusal.value)


def test_a_key_of_another_pair_and_one_with_a_passphrase_are_refused(write: Write) -> None:
    certificate = write("cert.pem", PAIR.cert_chain_pems[0].bytes())
    strange = AUTHORITY.issue_cert("other").private_key_pem.bytes()
    locked = load_pem_private_key(PAIR.private_key_pem.bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    )
    for name, key in {"strange.pem": strange, "locked.pem": locked}.items():
        with pytest.raises(SecurityError, match=f"{name} do not match"):
            Security.of(settings(kafka_cert=certificate, kafka_key=write(name, key)))


def test_each_setting_reaches_the_client_and_names_are_always_verified(write: Write) -> None:
    authority = write("ca.pem", AUTHORITY.cert_pem.bytes())
    pair = write("pair.pem", PAIR.private_key_and_cert_chain_pem.bytes())
    given = Security.of(settings(**USER, kafka_ca=authority, kafka_cert=pair)).arguments
    context = given.pop("ssl_context")
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.cert_store_stats()["x509_ca"] == 1
    assert given == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "renfort",
        "sasl_plain_password": SECRET,
    }
    assert Security.of(settings(kafka_tls=True)).arguments["security_protocol"] == "SSL"
    assert Security.of(settings()) == UNSECURED


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(Security.of(settings(**USER))) + repr(settings(**USER))


def test_a_password_without_tls_is_reported_as_sent_in_clear() -> None:
    assert Security.of(settings(**USER)).password_in_clear
    assert not Security.of(settings(**USER, kafka_tls=True)).password_in_clear
    assert not Security.of(settings()).password_in_clear


def test_the_embedded_broker_is_not_secured_and_settings_for_it_are_a_misuse(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="set DISPATCH_KAFKA"):
        wiring(settings(**USER, kafka="", data=tmp_path), Embedded(None, None), print)


async def test_a_certificate_that_has_expired_is_called_that(write: Write) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC)).configure_cert(context)
    security = Security.of(settings(kafka_ca=write("ca.pem", AUTHORITY.cert_pem.bytes())))
    async with await asyncio.start_server(
        lambda _, writer: writer.close(), "localhost", 0, family=socket.AF_INET, ssl=context
    ) as server:
        port = server.sockets[0].getsockname()[1]
        told = str(await diagnose(f"localhost:{port},127.0.0.1:1", security))
    assert f"Kafka at localhost:{port} has a certificate that has expired" in told
    assert "Kafka at 127.0.0.1:1 does not answer: nothing listens there" in told


def test_no_process_starts_with_settings_that_do_not_fit_together(tmp_path: Path) -> None:
    with pytest.raises(SecurityError, match="DISPATCH_KAFKA_USERNAME"):
        wiring(settings(kafka_password=SECRET, data=tmp_path), Embedded(None, None), print)


def test_settings_that_do_not_fit_together_are_a_misuse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("DISPATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DISPATCH_KAFKA", "kafka:9093")
    monkeypatch.setenv("DISPATCH_KAFKA_PASSWORD", SECRET)
    monkeypatch.setattr("sys.argv", ["dispatch", "topics", "ensure"])
    with pytest.raises(SystemExit, match="2"):
        main()
    error = capsys.readouterr().err
    assert ("DISPATCH_KAFKA_USERNAME" in error, SECRET in error, "Traceback" in error) == (True, False, False)
