"""The counters and histograms of this process for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram("renfort_http_seconds", "Time to answer a request", ["method", "route", "status"])
BATCHES = Counter("renfort_batches", "Batches handled by consumers, by outcome", ["consumer", "outcome"])
PARTITIONS_WAITING = Gauge(
    "renfort_partitions_waiting", "Partitions that wait for a newer version of this process", ["consumer"]
)
UNPARKED = Counter(
    "renfort_unparked",
    "Records of others on Renfort's topics, dropped since enough of them are parked",
    ["consumer"],
)
ERASED = Counter("renfort_erased", "Expired rows erased", ["table"])
EVENTS = Counter(
    "renfort_events", "Events written, including those of transactions that were retried", ["type"]
)
REFUSED = Counter(
    "renfort_reports_refused", "Routine reports that were rejected with a request to retry later"
)
