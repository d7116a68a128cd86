"""The wiring of one process: its addresses, its roles and its gateways, from the settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import socket

import structlog

from dispatch.config import CLEAR_LINKS_WARNING, MisuseError, Settings, token_secret
from dispatch.domain import retention
from dispatch.gateways import providers
from dispatch.kafka_security import NO_TLS_WARNING, UNSECURED, Security
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.roles import ROLES, Role
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway import OutboundText, Surroundings
from dispatch.services.messaging.gateway_registry import GatewayRegistry, configured
from dispatch.services.plans.plan_files import load
from producers.http.stream import StreamLimits

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wiring:
    """What one process is built from; `retention_days` is the retention of each table.

    `guarded_positions` is whether access control lets only trusted trackers write to `volunteer.positions`.
    `wake_after_s` is how long after a commit the loops of the process look for what to do: what is committed in between
    is done together, which costs less. `listener` is a socket that is bound to the address already.
    """

    dsn: str
    cluster: Cluster
    host: str
    port: int
    links: str
    secret: bytes
    intake: Intake
    gateways: GatewayRegistry
    roles: Sequence[Role] = ROLES
    migrates: bool = False
    write_generation: int | None = None
    wake_after_s: float = 0.0
    listener: socket | None = None
    retention_days: Mapping[str, int] = field(default_factory=retention.periods)
    streams: StreamLimits = field(default_factory=StreamLimits)
    guarded_positions: bool = False
    proxies: str = ""


def wiring(
    settings: Settings,
    services: Embedded,
    show: Callable[[OutboundText], None],
    roles: Sequence[Role] = ROLES,
    *,
    migrates: bool = True,
) -> Wiring:
    """Return the wiring for the settings and the embedded services; `show` displays messages that reach nobody.

    Raises MisuseError where a setting is missing or contradicts another.
    """
    if settings.links_in_clear:
        log.warning("links in messages begin with http://", hint=CLEAR_LINKS_WARNING)
    dsn = services.postgres.url() if services.postgres else settings.postgres.get_secret_value()
    bootstrap = services.broker.address if services.broker else settings.kafka
    cluster = Cluster(
        bootstrap, services.broker is not None, settings.replication, settings.min_insync,
        security=kafka_security(settings),
    )  # fmt: skip
    return Wiring(
        dsn=dsn,
        cluster=cluster,
        host=settings.host,
        port=settings.port,
        proxies=settings.proxies,
        links=settings.links,
        secret=token_secret(settings.folder),
        intake=Intake(load(settings.plans), guarded=settings.guarded_topic),
        gateways=gateways(settings, show),
        roles=roles,
        migrates=migrates,
        retention_days=settings.retention_days,
        write_generation=settings.write_generation,
        streams=StreamLimits(settings.streams_per_key, settings.streams_per_organisation, settings.streams),
        guarded_positions=settings.guarded_positions,
    )


def gateways(settings: Settings, show: Callable[[OutboundText], None]) -> GatewayRegistry:
    """Return the gateways that the environment configures; raises MisuseError where one lacks a setting."""
    public_url = settings.links if settings.public_url else None
    return configured(providers(), Surroundings(public_url, show))


def kafka_security(settings: Settings) -> Security:
    """Return how to connect to Kafka; raises MisuseError where security is set and the broker is the embedded one."""
    found = Security.of(settings)
    if not settings.kafka and found != UNSECURED:
        raise MisuseError(
            "TLS or a password for Kafka is set, and no Kafka: set DISPATCH_KAFKA, or unset DISPATCH_KAFKA_…; "
            "the embedded broker has neither"
        )
    if found.password_in_clear:
        log.warning("Kafka gets a password without TLS", hint=NO_TLS_WARNING)
    return found
