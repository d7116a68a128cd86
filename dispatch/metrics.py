"""What this process counts for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram("renfort_http_seconds", "Time to answer a request", ["method", "route", "status"])
BATCHES = Counter(
    "renfort_batches", "Batches that consumers took, by how they ended", ["consumer", "outcome"]
)
PARTITIONS_WAITING = Gauge(
    "renfort_partitions_waiting", "Partitions that wait for a newer version of this process", ["consumer"]
)
ERASED = Counter("renfort_erased", "Rows erased because they were kept long enough", ["table"])
EVENTS = Counter("renfort_events", "Events written, again where a transaction was tried again", ["type"])
REFUSED = Counter("renfort_reports_refused", "Routine reports that were told to come again later")
