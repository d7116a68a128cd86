"""The embedded services: a PostgreSQL server and a broker that start and end with Renfort."""

from dispatch.embedded.broker import EmbeddedBroker
from dispatch.embedded.executables import EmbeddedServiceError
from dispatch.embedded.postgres import EmbeddedPostgres

__all__ = ["EmbeddedBroker", "EmbeddedPostgres", "EmbeddedServiceError"]
