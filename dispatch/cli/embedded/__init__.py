"""The embedded services: a PostgreSQL and a broker that start with Renfort and never outlive it."""

from dispatch.cli.embedded.broker import EmbeddedBroker
from dispatch.cli.embedded.postgres import EmbeddedPostgres
from dispatch.cli.embedded.programs import EmbeddedServiceError

__all__ = ["EmbeddedBroker", "EmbeddedPostgres", "EmbeddedServiceError"]
