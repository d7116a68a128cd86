"""The connection to Kafka: the relay and the consumers of one process, which start, stop and restart together."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiokafka.errors import KafkaError

from consumers import broker as consumer_groups
from consumers.broker import Broker
from dispatch.clock import Clock
from dispatch.kafka_security import UNSECURED, Security
from dispatch.services.core.error_classification import log_fields
from dispatch.services.subscriptions import READERS
from producers.kafka.relay import Relay
from producers.kafka.topics import ensure

RETRY_S = 1.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Kafka is, and how topics are created and clients connect there; `woken` if this process alone publishes."""

    bootstrap: str
    embedded: bool
    replication: int = 1
    min_insync: int = 1
    woken: bool = False
    security: Security = UNSECURED


class KafkaConnection:
    """Relay and consumers on one cluster; `register` subscribes the handlers of the process to a new broker."""

    def __init__(
        self,
        cluster: Cluster,
        dsn: str,
        clock: Clock,
        register: Callable[[Broker], None],
        *,
        relays: bool,
        idle_s: Callable[[], float],
        relay_idle_s: Callable[[], float],
    ) -> None:
        """Take what is needed to connect; nothing connects yet."""
        self._cluster = cluster
        self._dsn = dsn
        self._clock = clock
        self._register = register
        self._relays = relays
        self._idle_s = idle_s
        self._relay_idle_s = relay_idle_s
        self._relay: Relay | None = None
        self._broker: Broker | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._consuming = False

    @property
    def ready(self) -> bool:
        """Return whether the relay and all consumers of this process are connected."""
        return self._consuming and (self._relay is None or self._relay.ready)

    def wake(self) -> None:
        """Wake the relay: something was committed."""
        if self._relay is not None:
            self._relay.wake()

    def start(self) -> None:
        """Connect in the background, again and again until Kafka answers."""
        self._tasks = [asyncio.create_task(self._connect(), name="kafka")]

    async def stop(self) -> None:
        """Finish the current batches and disconnect; what was not finished is delivered or published again."""
        self._consuming = False
        for task in self._tasks[:1]:
            # The task that connects; the relay finishes its current round first.
            task.cancel()
        relay, broker = self._relay, self._broker
        ends = [relay.stop()] if relay is not None else []
        ends += [_stop_consumers(broker)] if broker is not None else []
        await asyncio.gather(*ends, *self._tasks, return_exceptions=True)
        self._relay = self._broker = None

    async def _connect(self) -> None:
        await self._ensure_topics()
        if self._relays:
            copies = {"replication": self._cluster.replication, "min_insync": self._cluster.min_insync}
            self._relay = Relay(
                self._dsn, self._cluster.bootstrap, self._clock, READERS,
                embedded=self._cluster.embedded, security=self._cluster.security,
                idle_s=self._relay_idle_s, on_published=self._fetch, **copies,
            )  # fmt: skip
            self._tasks.append(asyncio.create_task(self._relay.run(), name="relay"))
        self._broker = consumer_groups.build(
            self._cluster.bootstrap, embedded=self._cluster.embedded, woken=self._cluster.woken,
            security=self._cluster.security, idle_s=self._idle_s,
        )  # fmt: skip
        self._register(self._broker)
        if self._broker.listening:
            await consumer_groups.start(self._broker)
        self._consuming = True

    def _fetch(self, topics: Collection[str]) -> None:
        """Let the consumers fetch what the relay published."""
        if self._broker is not None:
            self._broker.wake(topics)

    async def _ensure_topics(self) -> None:
        """Create the topics before a request names one: the embedded broker would create it with other partitions."""
        while True:
            try:
                await ensure(
                    self._cluster.bootstrap, replication=self._cluster.replication,
                    min_insync=self._cluster.min_insync, embedded=self._cluster.embedded,
                    security=self._cluster.security,
                )  # fmt: skip
            except (KafkaError, OSError) as error:
                log.warning("Kafka is not ready; trying again", **log_fields(error))
                await asyncio.sleep(RETRY_S)
            else:
                return


async def _stop_consumers(broker: Broker) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        await consumer_groups.stop(broker)
