"""Three real brokers, each behind a proxy: clients know only the proxies, the brokers know each other."""

from pathlib import Path

from deploy.kafka import start as kafka
from tests.kafka.support.cluster import KafkaCluster, free_ports
from tests.storm.rig.proxy import Proxy

COUNT = 3
# Kafka's default time-outs: with shorter ones a slow broker on a busy machine counts as dead.
AS_SHIPPED = {"broker.session.timeout.ms": "9000", "broker.heartbeat.interval.ms": "2000"}
START_PATIENCE_S = 240  # three brokers start at once, beside everything else


class ProxiedCluster(KafkaCluster):
    """A cluster that advertises the ports of its proxies to clients."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, nodes=COUNT)
        ours = free_ports(2 * COUNT)
        self.proxies = [
            Proxy(port, [node.port]) for port, node in zip(ours[:COUNT], self._nodes.values(), strict=True)
        ]
        self._between = dict(zip(self._nodes, ours[COUNT:], strict=True))

    @property
    def bootstrap(self) -> str:
        """Return the addresses of all proxies."""
        return ",".join(f"{kafka.HOST}:{proxy.port}" for proxy in self.proxies)

    def _launch(self, number: int) -> None:
        node, between = self._nodes[number], self._between[number]
        changes = {
            "listeners": f"CLIENT://{node.address},BROKER://{kafka.HOST}:{between},"
            f"CONTROLLER://{kafka.HOST}:{node.controller_port}",
            "advertised.listeners": f"CLIENT://{kafka.HOST}:{self.proxies[number - 1].port},"
            f"BROKER://{kafka.HOST}:{between}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "BROKER",
            **AS_SHIPPED,
        }
        with node.config.open("a") as config:
            # The last value of a repeated property counts.
            config.writelines(f"{name}={value}\n" for name, value in changes.items())
        super()._launch(number)

    def _await(self, number: int) -> None:
        kafka.await_ready(self._nodes[number], self._processes[number], START_PATIENCE_S)
