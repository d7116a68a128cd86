"""A real Kafka that speaks only TLS, knows its users by password, and lets each do what was granted."""

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
from dispatch.security import Security
from producers.kafka.topics import administration
from tests.kafka.cluster import KafkaCluster

ADMIN = "admin"
KINDS = {"topic": 2, "group": 3}
OPERATIONS = {"read": 3, "write": 4, "create": 5, "describe": 8, "describe configs": 10}
LITERAL, ALLOW = 3, 3
"""As Kafka's protocol numbers what an access control entry is made of."""


Grant = tuple[str, str, str, str]
"""A user, and the operation, kind and name of what it may do."""


def password(user: str) -> str:
    """Give a user's password, which must appear nowhere."""
    return f"canary-{user}-5f2c"


def settings(folder: Path, server: trustme.LeafCert, authority: trustme.CA) -> dict[str, str]:
    """Return what a broker is set to, its certificate beside it."""
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
    """The cluster, and what it takes to be let in."""

    cluster: KafkaCluster
    authority: trustme.CA
    folder: Path

    @classmethod
    def start(cls, folder: Path, users: Iterable[str]) -> "Secured":
        """Make an authority, a certificate of it for the address, and users; start one node with them."""
        authority = trustme.CA()
        given = settings(folder, authority.issue_cert(kafka.HOST), authority)
        access = kafka.Access(given, {user: password(user) for user in (ADMIN, *users)})
        cluster = KafkaCluster(folder / "kafka", access=access)
        cluster.start()
        return cls(cluster, authority, folder)

    @property
    def port(self) -> str:
        """Give the port, to reach it by another name."""
        return self.cluster.bootstrap.rpartition(":")[2]

    @property
    def plain(self) -> str:
        """Give the address of the one port that speaks no TLS: the controller's."""
        return self.cluster.controller

    def environment(self, user: str, **changes: str) -> dict[str, str]:
        """Name what a process of a user is set to."""
        known = {"username": user, "password": password(user), "ca": str(self.folder / "ca.pem")} | changes
        return {f"DISPATCH_KAFKA_{name.upper()}": value for name, value in known.items() if value}

    def security(self, user: str, **changes: str) -> Security:
        """Give what a client of a user connects with."""
        named = {n.removeprefix("DISPATCH_").lower(): v for n, v in self.environment(user, **changes).items()}
        return Security.of(Settings.model_validate(named))

    async def grant(self, *grants: Grant) -> None:
        """Let users do what they could not."""
        async with administration(self.cluster.bootstrap, self.security(ADMIN)) as admin:
            for user, operation, kind, name in grants:
                entry = CreateAclsRequest(
                    KINDS[kind], name, LITERAL, f"User:{user}", "*", OPERATIONS[operation], ALLOW
                )
                response = await admin._send_request(entry)  # noqa: SLF001 - it has no public way to grant
                assert response.creation_responses[0][0] == 0, response
