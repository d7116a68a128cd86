"""An Apache Kafka node with TLS, SCRAM users and access control lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from deploy.kafka import start as kafka
from dispatch.config import Settings
from dispatch.kafka_security import Security
from producers.kafka.topics import administration
from tests.kafka.support.cluster import KafkaCluster

ADMIN = "admin"
KINDS = {"topic": 2, "group": 3}
OPERATIONS = {"read": 3, "write": 4, "create": 5, "describe": 8, "describe configs": 10}
LITERAL, ALLOW = 3, 3
"""The numbers that Kafka's protocol gives to the parts of an access control entry."""


Grant = tuple[str, str, str, str]
"""A user, and the operation, kind and name of a permission."""


def password(user: str) -> str:
    """Return a user's password, which must appear in no output."""
    return f"canary-{user}-5f2c"


def settings(folder: Path, server: trustme.LeafCert, authority: trustme.CA) -> dict[str, str]:
    """Write the broker's certificate; return the broker's settings."""
    key = load_pem_private_key(server.private_key_pem.bytes(), None)
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    pair = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + chain
    (folder / "broker.pem").write_bytes(pair)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    login = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.client.ssl.client.auth": "requested",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            f'{login} required username="{ADMIN}" password="{password(ADMIN)}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
    }


@dataclass(frozen=True)
class Secured:
    """The cluster, and the credentials of its users."""

    cluster: KafkaCluster
    authority: trustme.CA
    folder: Path

    @classmethod
    def start(cls, folder: Path, users: Iterable[str]) -> "Secured":
        """Create an authority, a certificate for the address, and users; start one node with them."""
        authority = trustme.CA()
        given = settings(folder, authority.issue_cert(kafka.HOST), authority)
        access = kafka.Access(given, {user: password(user) for user in (ADMIN, *users)})
        cluster = KafkaCluster(folder / "kafka", access=access)
        cluster.start()
        return cls(cluster, authority, folder)

    @property
    def port(self) -> str:
        """Return the port, to connect under another host name."""
        return self.cluster.bootstrap.rpartition(":")[2]

    @property
    def plain(self) -> str:
        """Return the address of the controller, the only port without TLS."""
        return self.cluster.controller

    def environment(self, user: str, **changes: str) -> dict[str, str]:
        """Return the environment of a process that runs as a user."""
        known = {"username": user, "password": password(user), "ca": str(self.folder / "ca.pem")} | changes
        return {f"DISPATCH_KAFKA_{name.upper()}": value for name, value in known.items() if value}

    def security(self, user: str, **changes: str) -> Security:
        """Return the credentials of a client that connects as a user."""
        named = {n.removeprefix("DISPATCH_").lower(): v for n, v in self.environment(user, **changes).items()}
        return Security.of(Settings.model_validate(named))

    async def grant(self, *grants: Grant) -> None:
        """Add access control entries."""
        async with administration(self.cluster.bootstrap, self.security(ADMIN)) as admin:
            for user, operation, kind, name in grants:
                entry = CreateAclsRequest(
                    KINDS[kind], name, LITERAL, f"User:{user}", "*", OPERATIONS[operation], ALLOW
                )
                response = await admin._send_request(entry)  # noqa: SLF001 - aiokafka has no public method for it
                assert response.creation_responses[0][0] == 0, response
