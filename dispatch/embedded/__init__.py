"""The embedded services: a PostgreSQL and a broker that start with Renfort and never outlive it."""

from dispatch.embedded.broker import EmbeddedBroker
from dispatch.embedded.postgres import EmbeddedPostgres
from dispatch.embedded.programs import EmbeddedServiceError

__all__ = ["EmbeddedBroker", "EmbeddedPostgres", "EmbeddedServiceError"]
